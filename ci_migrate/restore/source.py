"""One backup of an environment: chosen, proved, and poured into a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup_choice import choose_backup
from ci_migrate.config.environment import Environment
from ci_migrate.database.clearing import clearing_script
from ci_migrate.database.engine import Database
from ci_migrate.environment_store import load_environment_identities, open_environment_store
from ci_migrate.errors import CiMigrateError, RestoreError
from ci_migrate.story.execution import Execution
from ci_migrate.story.record import RunRecord

if TYPE_CHECKING:
    from ci_migrate.backup.stores.protocol import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A backup, where it lies, and the private keys that may be needed for it."""

    manifest: Manifest
    store: Store
    identities: list[Any]


def open_source(
    environment: Environment, env: Mapping[str, str], record: RunRecord, wanted: str | None
) -> Source:
    """Choose a backup by its name, or the newest; raises UsageError, BackupError."""
    with record.stage("choose") as note:
        store = open_environment_store(environment, env)
        manifest = choose_backup(store, environment.name, wanted)
        note.result = f"{manifest.name}, taken {manifest.started}"
    identities = load_environment_identities(environment, env)
    return Source(manifest=manifest, store=store, identities=identities)


def prove_source(record: RunRecord, source: Source, env: Mapping[str, str]) -> None:
    """Prove the whole archive before anything is changed; raises BackupError."""
    from ci_migrate.backup.verify import verify_backup

    with record.stage("prove") as note:
        note.result = verify_backup(source.manifest, source.store, source.identities, env=env)


def pour_archive(
    source: Source,
    env: Mapping[str, str],
    database: Database,
    *,
    clear: str = "",
    keep_owner: bool = True,
) -> None:
    """Load the archive into a database that is empty, or that `clear` empties; raises BackupError."""
    from ci_migrate.backup.backends.registry import backend_of
    from ci_migrate.backup.reading import open_backup
    from ci_migrate.backup.request import RestoreRequest

    manifest = source.manifest
    backend = backend_of(manifest.backend)
    request = RestoreRequest(
        format=manifest.format,
        tools=backend.find_tools(manifest.tools, env),
        env=env,
        clear=clear,
        properties=manifest.properties,
        keep_owner=keep_owner,
    )
    with open_backup(manifest, source.store, source.identities, env=env) as archive:
        backend.restore_archive(request, archive, database.address)


def load_archive(execution: Execution, source: Source) -> None:
    """Put the archive in the place of everything in the environment's database; raises RestoreError."""
    manifest, database = source.manifest, execution.database
    try:
        pour_archive(source, execution.env, database, clear=clearing_script(database))
    except CiMigrateError as exc:
        raise RestoreError(
            f"the backup {manifest.name} could not be brought back: {exc.message}",
            next_step=_next_step(execution, exc),
        ) from exc


def _next_step(execution: Execution, error: CiMigrateError) -> str:
    cause = f" {error.next_step}" if error.next_step else ""
    if execution.database.dialect != "mysql":
        return f"The database is as it was: the restore is one transaction.{cause}"
    backup = execution.record.backup
    before = f" The state of before is in {backup.location}." if backup and backup.location else ""
    return (
        "MariaDB commits every statement: the database may hold a part of the archive. Once the cause is gone, run"
        f" the restore again; it begins anew.{before}{cause}"
    )
