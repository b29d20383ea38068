"""From a location in the configuration to a store: a path, or a URL of an object store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.backup.stores.object_store import ObjectStore, client_options, retry_options
from ci_migrate.backup.stores.protocol import Store
from ci_migrate.errors import BackupToolError, ConfigError
from ci_migrate.redact import one_line

SCHEMES = ("s3", "gs", "az")

# The order matters: of several names for one thing the last wins.
_VARIABLES: dict[str, dict[str, str]] = {
    "s3": {
        "AWS_ACCESS_KEY_ID": "access_key_id",
        "AWS_SECRET_ACCESS_KEY": "secret_access_key",
        "AWS_SESSION_TOKEN": "session_token",
        "AWS_DEFAULT_REGION": "region",
        "AWS_REGION": "region",
        "AWS_ENDPOINT_URL": "endpoint",
        "AWS_ENDPOINT_URL_S3": "endpoint",
        "AWS_ROLE_ARN": "role_arn",
        "AWS_ROLE_SESSION_NAME": "role_session_name",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "web_identity_token_file",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "container_credentials_relative_uri",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "container_credentials_full_uri",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "container_authorization_token_file",
        "AWS_SERVER_SIDE_ENCRYPTION": "server_side_encryption",
        "AWS_SSE_KMS_KEY_ID": "sse_kms_key_id",
        "AWS_REQUEST_PAYER": "request_payer",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "virtual_hosted_style_request",
    },
    "gs": {
        "GOOGLE_APPLICATION_CREDENTIALS": "application_credentials",
        "GOOGLE_SERVICE_ACCOUNT": "service_account",
        "GOOGLE_SERVICE_ACCOUNT_KEY": "service_account_key",
    },
    "az": {
        "AZURE_STORAGE_ACCOUNT_NAME": "account_name",
        "AZURE_STORAGE_ACCOUNT_KEY": "account_key",
        "AZURE_STORAGE_SAS_KEY": "sas_key",
        "AZURE_STORAGE_SAS_TOKEN": "sas_key",
        "AZURE_STORAGE_TOKEN": "token",
        "AZURE_STORAGE_ENDPOINT": "endpoint",
        "AZURE_CLIENT_ID": "client_id",
        "AZURE_CLIENT_SECRET": "client_secret",
        "AZURE_TENANT_ID": "tenant_id",
        "AZURE_FEDERATED_TOKEN_FILE": "federated_token_file",
        "AZURE_AUTHORITY_HOST": "authority_host",
    },
}
_URL = re.compile(r"(?P<scheme>[a-z0-9]+)://(?P<bucket>[^/?#@:]+)(?:/(?P<prefix>[^?#]*))?")


def is_remote(location: str) -> bool:
    """Return whether a location is a URL of an object store, not a path."""
    return "://" in location and not location.startswith("file://")


def open_store(location: str, *, root: Path, env: Mapping[str, str]) -> Store:
    """Return the store at a location; nothing is read, made or connected to yet.

    A relative path starts at `root`. Credentials come from the usual variables of `env`.
    Raises ConfigError for an unknown kind of URL, BackupToolError without the library.
    """
    if not is_remote(location):
        return LocalStore(root / location.removeprefix("file://"))
    match = _URL.fullmatch(location)
    if match is None or match["scheme"] not in SCHEMES:
        # What stands before an @ can be a password, and after a ? a signature.
        shown = one_line(location.rpartition("@")[2].partition("?")[0], 80)
        raise ConfigError(
            f"backup.store: {shown} is not a place for backups",
            next_step="Name a directory, or `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`;"
            " credentials belong into variables, not into the URL.",
        )
    return ObjectStore(
        _open_client(match["scheme"], match["bucket"], (match["prefix"] or "").strip("/"), env),
        location,
    )


def _open_client(scheme: str, bucket: str, prefix: str, env: Mapping[str, str]) -> Any:
    try:
        from obstore import store
    except ImportError as exc:
        raise BackupToolError(
            f"backups in {scheme}:// need the library `obstore`, which is not installed",
            next_step="Install it: `pip install 'ci-migrate[stores]'`.",
        ) from exc
    config: dict[str, Any] = {
        key: env[name] for name, key in _VARIABLES[scheme].items() if env.get(name)
    }
    kinds: dict[str, Any] = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}
    try:
        return kinds[scheme](
            bucket,
            prefix=prefix or None,
            config=config,
            client_options=client_options(
                allow_http=config.get("endpoint", "").startswith("http://")
            ),
            retry_config=retry_options(),
        )
    except Exception as exc:
        from ci_migrate.backup.stores.remote_failure import RemoteCall, failed_call

        raise failed_call(exc, RemoteCall("opening", f"{scheme}://{bucket}")) from exc
