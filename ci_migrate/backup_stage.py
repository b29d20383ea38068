"""Stage `backup` of every story: taken and proved before anything is changed, thinned out after."""

from __future__ import annotations

from ci_migrate.database.catalog import list_tables, read_server_version
from ci_migrate.errors import CiMigrateError
from ci_migrate.execution import Execution


def back_up(execution: Execution, rows: tuple[str, ...]) -> None:
    """Take and prove a backup of a database with these version rows; raises BackupError."""
    from ci_migrate.backup.request import BackupRequest
    from ci_migrate.backup.stores.local import LocalStore
    from ci_migrate.backup.take import take_backup

    environment, database, record = execution.environment, execution.database, execution.record
    with record.stage("backup") as note:
        version, major = read_server_version(database)
        record.versions = {**record.versions, database.dialect: version}
        record.backup = take_backup(
            BackupRequest(
                environment=environment.name,
                run_id=record.run.run_id,
                run_url=record.run.run_url or "",
                address=database.address,
                server_version=version,
                server_major=major,
                tables=list_tables(database),
                heads=rows,
                store=LocalStore(environment.backup_directory),
                env=execution.env,
                now=execution.now(),
            ),
            environment.backup_backend,
        )
        note.result = f"{record.backup.backend}: {record.backup.verified}"


def remove_old_backups(execution: Execution) -> None:
    """Keep the newest backups that the configuration asks for; what cannot be removed is a warning."""
    environment, record = execution.environment, execution.record
    if not environment.backup_keep:
        return
    from ci_migrate.backup.prune import prune_backups
    from ci_migrate.backup.stores.local import LocalStore

    try:
        prune_backups(
            LocalStore(environment.backup_directory),
            environment.name,
            keep=environment.backup_keep,
            keep_days=None,
            now=execution.now(),
        )
    except (CiMigrateError, OSError) as exc:
        record.warn(f"old backups could not be removed: {exc}")
