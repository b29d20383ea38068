"""Stage `backup` of every story: taken and proved before anything is changed, thinned out after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ci_migrate.backup_risks import find_risks, refuse_publishing
from ci_migrate.database.activity import read_activity
from ci_migrate.database.catalog import (
    list_tables,
    read_properties,
    read_server_version,
    read_size,
)
from ci_migrate.database.engine import Database
from ci_migrate.database.shapes import read_shapes
from ci_migrate.database.versioned import find_lost_history
from ci_migrate.environment_store import open_environment_store, read_backup_options
from ci_migrate.errors import (
    BackupError,
    CiMigrateError,
    DatabaseFailedError,
    DatabaseUnreachableError,
    SilentServerError,
)
from ci_migrate.models import NOT_TAKEN
from ci_migrate.redact import one_line
from ci_migrate.story.execution import Execution
from ci_migrate.story.proof_stage import dumped_source, make_own_key, prove_by_restore

if TYPE_CHECKING:
    from ci_migrate.backup.request import BackupRequest
    from ci_migrate.backup.stores.protocol import Store
    from ci_migrate.database.source import Source


def back_up(execution: Execution, rows: tuple[str, ...]) -> None:
    """Take and prove a backup of a database with these version rows; raises BackupError."""
    environment, record = execution.environment, execution.record
    if environment.backup.backend == NOT_TAKEN.backend:
        _take_none(execution)
        return
    from ci_migrate.backup.take import take_backup

    store = open_environment_store(environment, execution.env)
    identities, own_recipient = make_own_key(environment)
    with record.stage("backup") as note, _as_backup_failure(), dumped_source(execution) as source:
        request = _request(execution, source, store, rows, own_recipient)
        record.backup = take_backup(request, environment.backup.backend)
        note.result = f"{record.backup.backend}: {record.backup.verified}"
    if request.lost_history and record.backup.backend == "mysql":
        record.warn(
            f"the backup holds the present rows of {', '.join(map(one_line, request.lost_history))}, not their history:"
            " a dump of this server's system-versioned tables has none. The backend `mariadb-backup` keeps it"
        )
    if environment.backup_prove == "restore":
        prove_by_restore(execution, source, store, rows, identities)
    for risk in find_risks(environment, execution.env):
        record.warn(risk)


def _request(
    execution: Execution, source: Source, store: Store, rows: tuple[str, ...], own_recipient: str
) -> BackupRequest:
    from ci_migrate.backup.request import BackupRequest

    environment, database, record = execution.environment, execution.database, execution.record
    version, major = _prepare(execution)
    return BackupRequest(
        environment=environment.name,
        run_id=record.run.run_id,
        run_url=record.run.run_url or "",
        command=record.command,
        address=database.address,
        server_version=version,
        server_major=major,
        **_describe(database),
        heads=rows,
        store=store,
        expected_bytes=read_size(database) if environment.backup.is_remote else 0,
        encrypt_to=environment.backup.encrypt_to,
        run_recipient=own_recipient,
        options=read_backup_options(environment),
        snapshot=source.snapshot,
        read_rows=source.exact_rows,
        env=execution.env,
        now=execution.now(),
        tell=record.note,
    )


def _take_none(execution: Execution) -> None:
    record = execution.record
    with record.stage("backup") as note, _as_backup_failure():
        _prepare(execution)
        record.backup = NOT_TAKEN
        note.result = f"{NOT_TAKEN.backend}: {NOT_TAKEN.verified}"


def _describe(database: Database) -> dict[str, Any]:
    """Return what the manifest says about the database itself."""
    tables = list_tables(database)
    shapes = read_shapes(database, tables)
    return {
        "tables": tables,
        "shapes": shapes.tables,
        "objects": shapes.objects,
        "lost_history": find_lost_history(database),
        "properties": read_properties(database),
        "activity": read_activity(database),
    }


def _prepare(execution: Execution) -> tuple[str, int]:
    """Return the server's version, and keep it for the report; raises BackupError where rows would be published."""
    refuse_publishing(execution.environment, execution.env)
    database, record = execution.database, execution.record
    version, major = read_server_version(database)
    record.versions = {**record.versions, database.dialect: version}
    return version, major


@contextmanager
def _as_backup_failure() -> Iterator[None]:
    try:
        yield
    except (SilentServerError, DatabaseUnreachableError) as exc:
        raise BackupError(
            f"the server was lost while it was backed up: {exc.message}", next_step=exc.next_step
        ) from exc
    except DatabaseFailedError as exc:
        raise BackupError(
            f"the database could not be backed up: {exc.message}", next_step=exc.next_step
        ) from exc


def remove_old_backups(execution: Execution) -> None:
    """Keep the newest backups that the configuration asks for; what cannot be removed is a warning."""
    environment, record = execution.environment, execution.record
    settings = environment.backup
    if settings.backend == "none" or not (settings.keep or settings.keep_days):
        return
    from ci_migrate.backup.prune import PruneRequest, prune_backups

    try:
        request = PruneRequest(
            store=open_environment_store(environment, execution.env),
            environment=environment.name,
            keep=settings.keep,
            keep_days=settings.keep_days,
            now=execution.now(),
            options=read_backup_options(environment),
            env=execution.env,
            proved=record.backup.location if record.backup else "",
            place=execution.database.address.backed_up,
        )
        for spoilt in prune_backups(request).spoilt:
            record.warn(f"a backup cannot be used: {spoilt}")
    except (CiMigrateError, OSError) as exc:
        record.warn(f"old backups could not be removed: {exc}")
