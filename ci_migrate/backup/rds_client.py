"""Amazon RDS by the library `boto3`: one door for every question, and its refusals with what to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ci_migrate.config.backup_settings import RdsSettings
from ci_migrate.errors import BackupError, BackupToolError
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from types import ModuleType

ATTEMPTS = 5
CONNECT_SECONDS, READ_SECONDS = 10, 60

_LOGIN = (
    "Give credentials that AWS takes, in a workflow by aws-actions/configure-aws-credentials, and see that the clock"
    " of this machine is right."
)
_RIGHTS = (
    "Allow it: the backend needs rds:DescribeDBInstances, rds:CreateDBSnapshot, rds:DescribeDBSnapshots,"
    " rds:AddTagsToResource, and rds:DeleteDBSnapshot for `keep`; for a cluster rds:DescribeDBClusters and the same"
    " for DBClusterSnapshot."
)
_NEXT_STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "AuthFailure",
            "UnrecognizedClientException",
            "MissingAuthenticationToken",
            "IncompleteSignature",
        ),
        _LOGIN,
    ),
    (("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), _RIGHTS),
    (
        ("DBInstanceNotFound", "DBClusterNotFound"),
        "See that backup.rds names it as the console of AWS does, and that region and account are the right ones.",
    ),
    (
        ("SnapshotQuotaExceeded", "DBClusterSnapshotQuotaExceeded"),
        "Delete snapshots that nobody needs, set backup.keep, or ask AWS for a higher quota of manual snapshots.",
    ),
    (
        ("KMSKeyNotAccessible",),
        "Let the credentials use the key that the instance is encrypted with (kms:DescribeKey, kms:CreateGrant).",
    ),
    (("Throttling", "ThrottlingException"), "AWS is asked too often: wait a while, and run again."),
)


def connect(settings: RdsSettings, env: Mapping[str, str]) -> Any:
    """Return a client for the region; nothing is asked yet.

    Raises BackupToolError without the library, BackupError without a region.
    """
    boto3 = _library()
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # What is not in these comes by the ways of the library: profiles, roles, those of the machine.
    region = settings.region or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or None
    try:
        session = boto3.session.Session(
            aws_access_key_id=env.get("AWS_ACCESS_KEY_ID") or None,
            aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY") or None,
            aws_session_token=env.get("AWS_SESSION_TOKEN") or None,
            region_name=region,
        )
        return session.client(
            "rds",
            # AWS_ENDPOINT_URL leads the stores to MinIO and others, which know no RDS.
            endpoint_url=env.get("AWS_ENDPOINT_URL_RDS") or None,
            config=Config(
                ignore_configured_endpoint_urls=True,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            ),
        )
    except (BotoCoreError, ValueError) as exc:
        raise _unheard(exc, region or "") from exc


def ask(client: Any, operation: str, *, absent: Collection[str] = (), **parameters: Any) -> Any:
    """Return the answer of RDS; None when it says one of the codes of `absent`. Raises BackupError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, operation)(**parameters)
    except ClientError as exc:
        error = exc.response.get("Error", {})
        code = str(error.get("Code", "")).removesuffix("Fault")
        if code in absent:
            return None
        raise _refused(operation, code, str(error.get("Message", "")), client) from exc
    except BotoCoreError as exc:
        raise _unheard(exc, client.meta.region_name) from exc


def _refused(operation: str, code: str, message: str, client: Any) -> BackupError:
    what = operation.replace("_", " ")
    next_steps = [step for codes, step in _NEXT_STEPS if code in codes]
    return BackupError(
        f"RDS in {client.meta.region_name} refused to {what}: {one_line(code, 80)}: {one_line(message, 400)}",
        next_step=next_steps[0]
        if next_steps
        else "Nothing was changed. Remove the cause and run again.",
    )


def _unheard(exc: Exception, region: str) -> BackupError:
    """Return the error of a question that never was answered: no credentials, no region, no way."""
    name, said = type(exc).__name__, one_line(str(exc), 300)
    if name in {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}:
        return BackupError(f"there are no credentials for AWS: {said}", next_step=_LOGIN)
    if name in {"TokenRetrievalError", "ProfileNotFound", "UnauthorizedSSOTokenError"}:
        return BackupError(f"the credentials for AWS cannot be read: {said}", next_step=_LOGIN)
    if name in {"NoRegionError", "InvalidRegionError"}:
        return BackupError(
            f"the region of the RDS instance is not known: {said}",
            next_step="Set backup.rds.region, or AWS_REGION for this step.",
        )
    return BackupError(
        f"RDS{f' in {region}' if region else ''} did not answer: {said}",
        next_step="See that backup.rds.region names the region as AWS does (eu-west-1), and that this machine"
        " reaches AWS.",
    )


def _library() -> ModuleType:
    try:
        import boto3
    except ImportError as exc:
        raise BackupToolError(
            "snapshots of RDS need the library `boto3`, which is not installed",
            next_step="Install it: `pip install 'ci-migrate[rds]'`.",
        ) from exc
    return boto3  # type: ignore[no-any-return]


def library_version() -> str:
    """Return the version of the library; raises BackupToolError without it."""
    return str(_library().__version__)
