"""Snapshots of Amazon RDS and Aurora: taken, waited for, proved, and deleted; brought back by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ci_migrate.backup.proof import unproved
from ci_migrate.backup.rds_client import connect, library_version
from ci_migrate.backup.rds_kinds import Kind, SnapshotName, kind_of, name_snapshot, parse_arn
from ci_migrate.backup.rds_restore import restore_instructions
from ci_migrate.backup.rds_source import check_source
from ci_migrate.backup.rds_wait import Patience, begin_snapshot, wait_for_snapshot
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    Origin,
    ProofRequest,
    RemovalRequest,
    RestoreRequest,
)
from ci_migrate.config.backup_settings import RdsSettings
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError, InterruptedRunError
from ci_migrate.times import format_time, parse_time

dialects = frozenset({"postgresql", "mysql"})

TAG = "ci-migrate:"
"""Begins the tags of our snapshots."""
_LONGEST_TAG = 256
_CLOCKS_DIFFER = timedelta(minutes=15)


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return the version of the library, once RDS has answered that the instance is there and may be the right one.

    Raises BackupToolError without the library, BackupError when RDS refuses, or the instance is another server.
    """
    settings = _settings(request.options, request.name)
    kind, source = kind_of(settings)
    found = kind.describe_source(connect(settings, request.env), source)
    if doubt := check_source(kind, source, found, request.address):
        request.tell(doubt)
    return {"boto3": library_version()}


def take_snapshot(request: BackupRequest) -> str:
    """Take a snapshot, wait until it is available, and return its ARN; raises BackupError."""
    settings = _settings(request.options, request.name)
    kind, source = kind_of(settings)
    client, name = connect(settings, request.env), name_snapshot(request.name)
    patience = Patience(settings.seconds, request.tell)
    arn = begin_snapshot(client, kind, source, name, _tags(request.origin), patience)
    try:
        wait_for_snapshot(client, kind, name, patience)
    except InterruptedRunError:
        request.tell(f"the snapshot {name} goes on at AWS, and is no backup of ours: delete it")
        raise
    except BackupError as exc:
        _give_up(client, kind, name, exc)
        raise
    return arn


def _give_up(client: Any, kind: Kind, name: str, error: BackupError) -> None:
    """Remove a snapshot that is no use, and say so where it stays."""
    try:
        kind.delete(client, name)
    except BackupError as exc:
        error.message += f"; the snapshot {name} stays at AWS ({exc.message})"


def verify_snapshot(request: ProofRequest, snapshot: str) -> str:
    """Prove that the snapshot is available, of this instance, and the one that this backup took."""
    settings = _settings(request.options, request.origin.backup)
    named, client = _find(settings, request.env, snapshot, request.name)
    _, source = kind_of(settings)
    found = named.kind.describe(client, named.name)
    if found is None:
        raise unproved(request.name, f"the snapshot {named.name} is gone")
    if found["Status"] != "available":
        raise unproved(request.name, f"the snapshot {named.name} has the status {found['Status']}")
    of = str(found[f"{named.kind.upper}Identifier"])
    if of != source:
        raise unproved(
            request.name, f"the snapshot {named.name} is of {named.kind.word} {of}, not {source}"
        )
    if not _is_ours(found, request.origin):
        raise unproved(
            request.name,
            f"the snapshot {named.name} is another one: its tags do not name this backup",
        )
    taken = found["SnapshotCreateTime"]
    began = request.origin.started
    if began and taken < parse_time(began) - _CLOCKS_DIFFER:
        raise unproved(
            request.name,
            f"the snapshot {named.name} is of {format_time(taken)}, before the backup began",
        )
    size = f", {found['AllocatedStorage']:,} GB" if found.get("AllocatedStorage") else ""
    return f"snapshot {named.name} of {named.kind.word} {source} is available{size}, taken {format_time(taken)}"


def refuse_restore(request: RestoreRequest, snapshot: str) -> None:
    """Raise BackupError with the commands of AWS: RDS makes a new instance of a snapshot, none goes in place."""
    settings = _settings(request.options, request.origin.backup)
    named, client = _find(settings, request.env, snapshot, request.origin.backup)
    _, source = kind_of(settings)
    raise BackupError(
        f"{request.origin.backup} is the snapshot {named.name}, and RDS restores none in place: it becomes a new"
        f" {named.kind.word} beside {source}. Nothing was changed",
        next_step=restore_instructions(client, named, source, request.origin.environment),
    )


def restore_snapshot(request: RestoreRequest, snapshot: str, target: DatabaseAddress) -> None:  # noqa: ARG001
    """Refuse as `refuse_restore` does."""
    refuse_restore(request, snapshot)


def delete_snapshot(request: RemovalRequest, snapshot: str) -> None:
    """Remove the snapshot, if its tags say that it is the one of this backup; raises BackupError."""
    settings = _settings(request.options, request.origin.backup)
    named, client = _find(settings, request.env, snapshot, request.origin.backup)
    found = named.kind.describe(client, named.name)
    if found is None:
        return
    if not _is_ours(found, request.origin):
        raise BackupError(
            f"the snapshot {named.name} was not deleted: its tags do not name the backup {request.origin.backup}",
            next_step="Look at it in the console of AWS; what nobody needs can be deleted there.",
        )
    named.kind.delete(client, named.name)


def _settings(options: BackupOptions, backup: str) -> RdsSettings:
    if options.rds is None:
        raise BackupError(
            f"{backup or 'the backup'} is a snapshot of RDS, and the configuration has no `backup.rds`",
            next_step="Name instance and region there, also where another backend takes the backups by now.",
        )
    return options.rds


def _find(
    settings: RdsSettings, env: Mapping[str, str], snapshot: str, archive: str
) -> tuple[SnapshotName, Any]:
    """Return what the ARN names, and a client of its region; raises BackupError when it is none of ours."""
    named, (kind, source) = parse_arn(snapshot), kind_of(settings)
    if named is None:
        raise unproved(archive, "what it holds is not the ARN of a snapshot of RDS")
    if named.kind is not kind:
        raise unproved(
            archive,
            f"it is a snapshot of a {named.kind.word}, but backup.rds names the {kind.word} {source}",
        )
    client = connect(settings, env)
    if named.region != client.meta.region_name:
        raise unproved(
            archive,
            f"its snapshot is in {named.region}, but backup.rds is in {client.meta.region_name}",
        )
    return named, client


def _tags(origin: Origin) -> list[dict[str, str]]:
    values = {
        "environment": origin.environment,
        "backup": origin.backup,
        "run": origin.run_id,
        "heads": " ".join(origin.heads),
    }
    return [{"Key": TAG + key, "Value": text[:_LONGEST_TAG]} for key, text in values.items()]


def _is_ours(found: Mapping[str, Any], origin: Origin) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in found.get("TagList", ())}
    return tags.get(f"{TAG}backup") == origin.backup[:_LONGEST_TAG]
