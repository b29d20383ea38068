"""A backup without a migration: taken under the lock of the database, proved, and returned."""

from __future__ import annotations

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup_choice import choose_backup
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.environment_store import open_environment_store
from ci_migrate.errors import UsageError
from ci_migrate.models import Outcome
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.frame import RunRequest, hold_database
from ci_migrate.survey import read_files


def take_now(request: RunRequest) -> Manifest:
    """Take and prove a backup of the environment's database.

    Raises UsageError where the configuration says `backup: none`, LockNotAcquiredError, BackupError.
    """
    environment = request.environment
    record = request.open_record(command="backup", goal=Outcome.NOTHING_TO_DO)
    history = read_files(environment, request.env)
    with hold_database(request, record, history) as execution:
        table, schema = history.version_table, history.version_table_schema
        back_up(execution, rows=read_version_rows(execution.database, table, schema).rows)
    if record.backup is None or not record.backup.location:
        raise UsageError(
            f"the configuration says that {environment.name} has no backups (backup: none)",
            next_step="Give the environment a backup in the configuration.",
        )
    store = open_environment_store(environment, request.env)
    return choose_backup(store, environment.name, record.backup.location)
