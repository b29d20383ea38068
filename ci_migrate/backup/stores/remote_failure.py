"""What went wrong in an object store, told without secrets and with a next step."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ci_migrate.errors import BackupError
from ci_migrate.redact import one_line

_CODE = re.compile(r"<Code>\s*([\w.]+)\s*</Code>")
_MESSAGE = re.compile(r"<Message>\s*(.*?)\s*</Message>", re.DOTALL)
_GOOGLE = re.compile(r'"message": "(.*?)"')
_STATUS = re.compile(r"status code: (\d{3} [\w ]+)")
_QUERY = re.compile(r"\?[^\s\"')]*")

_CREDENTIALS = (
    "Check the credentials in the environment of this step:"
    " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) for s3://,"
    " GOOGLE_APPLICATION_CREDENTIALS for gs://, AZURE_STORAGE_ACCOUNT_NAME and _KEY for az://."
)
_FULL = "Remove old backups (`backup.keep`, `backup.keep_days`) or raise the store's limit."
_RIGHTS = (
    "Allow the credentials to read, write and list below this place (S3: s3:PutObject, s3:GetObject,"
    " s3:AbortMultipartUpload and s3:ListBucket; s3:DeleteObject for `keep`)."
)
_NEXT_STEPS = {
    r"RequestTimeTooSkewed|RequestExpired|Request date header too old": (
        "The clock of this machine is wrong, so the store refuses its requests: set it (NTP), and run again."
    ),
    r"ExpiredToken|TokenRefreshRequired|token.*expired": (
        "The session's credentials are too old: fetch new ones right before this step."
    ),
    r"InvalidAccessKeyId|SignatureDoesNotMatch|AuthenticationFailed|InvalidToken|InvalidAuthenticationInfo"
    r"|40[01] Unauthorized|Invalid Access Key|failed to authenticate"
    r"|[Ss]ervice account|application credentials": _CREDENTIALS,
    r"169\.254\.|metadata|CredentialsNotLoaded|Account must be specified|OAuth": (
        f"No credentials were found. {_CREDENTIALS}"
    ),
    r"NoSuchBucket|ContainerNotFound|bucket does not exist|InvalidBucketName": (
        "Create the bucket, or correct its name in backup.store; it is not made for you."
    ),
    r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint": (
        "The bucket is in another region: set AWS_REGION."
    ),
    r"Quota|InsufficientStorage|StorageFull|507 |[Nn]o space": f"The store is full. {_FULL}",
    r"AlreadyExists|already exists|PreconditionFailed": (
        "Something else writes under the same name: look into the store, and run again."
    ),
    r"AccessDenied|AuthorizationPermissionMismatch|403 |Forbidden|[Pp]ermission": _RIGHTS,
    r"InternalError|ServiceUnavailable|SlowDown|50\d ": (
        f"The store failed, also when it was asked again. It may be full. {_FULL}"
    ),
    r"dns error|[Cc]onnect|timed out|error sending request|HTTP error": (
        "Check that this machine reaches the store; for one that is not Amazon's, set AWS_ENDPOINT_URL."
    ),
}


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """What was tried, and where."""

    doing: str
    location: str


def failed_call(exc: Exception, call: RemoteCall) -> BackupError:
    """Return the BackupError of a request to an object store."""
    said = str(exc).partition("\n\nDebug source")[0]
    return BackupError(
        f"{call.doing} {one_line(call.location)} failed: {describe_answer(said)}",
        next_step=advise(said),
    )


def advise(said: str) -> str:
    """Return what to do about what a store, or the way to it, said."""
    for pattern, next_step in _NEXT_STEPS.items():
        if re.search(pattern, said):
            return next_step
    return "Nothing was changed. Remove the cause and run again."


def describe_answer(said: str) -> str:
    """Return what a store answered in one line; URLs lose their query, which can hold a signature."""
    code, message = _CODE.search(said), _MESSAGE.search(said) or _GOOGLE.search(said)
    if code:
        return one_line(f"{code[1]}: {message[1]}" if message else code[1])
    status = _STATUS.search(said)
    if status:
        return one_line(f"{status[1]}: {message[1]}" if message else status[1])
    return one_line(_QUERY.sub("", said), 300)
