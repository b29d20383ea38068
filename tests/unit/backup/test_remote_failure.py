"""What object stores answer, in their own words, and what is made of it."""

from __future__ import annotations

import pytest

from ci_migrate.backup.stores.opening import open_store
from ci_migrate.backup.stores.remote_failure import RemoteCall, failed_call
from ci_migrate.errors import ConfigError

CALL = RemoteCall("writing", "s3://acme/x.dump")
PUT = "Error performing PUT https://acme.s3.amazonaws.com/x?X-Amz-Signature=abcdef in 3ms"


def answer(status: str, code: str, message: str) -> str:
    body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return f"{PUT} - Server returned non-2xx status code: {status}: {body}\n\nDebug source:\nGeneric {{ }}"


@pytest.mark.parametrize(
    ("said", "shown", "advice"),
    [
        (
            answer(
                "403 Forbidden",
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            "RequestTimeTooSkewed: The difference",
            "clock",
        ),
        (answer("403 Forbidden", "ExpiredToken", "The token has expired."), "Expired", "too old"),
        (answer("403 Forbidden", "AccessDenied", "Access Denied"), "AccessDenied", "s3:PutObject"),
        (answer("404 Not Found", "NoSuchBucket", "no"), "NoSuchBucket: no", "Create the bucket"),
        (answer("301 Moved", "PermanentRedirect", "x"), "PermanentRedirect", "AWS_REGION"),
        (answer("507 Full", "XMinioStorageFull", "x"), "StorageFull", "full"),
        (answer("500 Error", "InternalError", "x"), "InternalError", "may be full"),
        (f"{PUT} - HTTP error: error sending request", "error sending", "reaches the store"),
        ("Generic S3 error: http://169.254.169.254/latest timed out", "169.254", "No credentials"),
        ("Generic MicrosoftAzure error: Account must be specified", "Account", "No credentials"),
        ("something new", "something new", "run again"),
    ],
)
def test_every_answer_has_a_next_step(said, shown, advice):
    error = failed_call(Exception(said), CALL)
    assert shown in error.message
    assert advice in error.next_step
    for piece in ("abcdef", "Debug source", "\n"):
        assert piece not in error.message


@pytest.mark.parametrize(
    "location",
    ["ftp://x/y", "s3://", "s3://user:hush@bucket/x", "s3://bucket/x?secret=hush", "https://x/y"],
)
def test_what_is_no_place_is_told_without_its_secrets(location, tmp_path):
    with pytest.raises(ConfigError, match="not a place for backups") as caught:
        open_store(location, root=tmp_path, env={})
    assert "hush" not in str(caught.value)
