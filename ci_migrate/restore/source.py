"""One backup of an environment: chosen, proved, and poured into a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup_choice import choose_backup
from ci_migrate.config.environment import Environment
from ci_migrate.database.clearing import clearing_script, finishing_script
from ci_migrate.database.engine import Database
from ci_migrate.database.url import address_of, parse_url
from ci_migrate.environment_store import (
    load_environment_identities,
    open_environment_store,
    read_backup_options,
)
from ci_migrate.errors import BackupError, CiMigrateError, RestoreError
from ci_migrate.story.execution import Execution
from ci_migrate.story.record import RunRecord

if TYPE_CHECKING:
    from ci_migrate.backup.request import BackupOptions, RestoreRequest
    from ci_migrate.backup.stores.protocol import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A backup, where it lies, and the private keys that may be needed for it."""

    manifest: Manifest
    store: Store
    identities: list[Any]
    options: BackupOptions
    """How the configuration says that its backups are looked at and brought back."""
    tell: Callable[[str], None]


def open_source(
    environment: Environment, env: Mapping[str, str], record: RunRecord, wanted: str | None
) -> Source:
    """Choose a backup by its name, or the newest; raises UsageError, BackupError."""
    with record.stage("choose") as note:
        store = open_environment_store(environment, env)
        address = address_of(parse_url(environment.lock_url, root=environment.root))
        manifest = choose_backup(store, environment.name, wanted, restores=True, address=address)
        note.result = f"{manifest.name}, taken {manifest.started}"
    identities = load_environment_identities(environment, env)
    return Source(
        manifest=manifest,
        store=store,
        identities=identities,
        options=read_backup_options(environment),
        tell=record.note,
    )


def prove_source(record: RunRecord, source: Source, env: Mapping[str, str]) -> None:
    """Prove the whole archive before anything is changed, and that it can be brought back from here.

    Raises BackupError.
    """
    from ci_migrate.backup.reading import require_identity
    from ci_migrate.backup.verify import verify_backup

    with record.stage("prove") as note:
        require_identity(source.manifest, source.identities)
        note.result = verify_backup(
            source.manifest, source.store, source.identities, env=env, options=source.options
        )
        _refuse_by_hand(source, env)


def _refuse_by_hand(source: Source, env: Mapping[str, str]) -> None:
    """Raise BackupError with instructions for what cannot be loaded from here: some snapshots, copies of servers."""
    from ci_migrate.backup.backends.registry import backend_of
    from ci_migrate.backup.backends.snapshot import SnapshotBackend
    from ci_migrate.backup.mariadb_copy import server_commands
    from ci_migrate.backup.reading import open_backup

    manifest = source.manifest
    backend = backend_of(manifest.backend)
    if manifest.backend == "mariadb-backup":
        raise BackupError(
            f"{manifest.name} is a copy of the whole server {manifest.host}, and was proved; it is brought back by"
            " hand while the server is stopped, and takes the place of all its databases",
            next_step="Nothing was changed. On the machine of the server, as root:\n"
            + server_commands(manifest.location, manifest.tools.get("datadir", "")),
        )
    if isinstance(backend, SnapshotBackend):
        with open_backup(source.manifest, source.store, source.identities, env=env) as archive:
            backend.refuse_restore(_request(source, env), archive)


def pour_archive(
    source: Source,
    env: Mapping[str, str],
    database: Database,
    *,
    clear: str = "",
    finish: str = "",
    keep_owner: bool = True,
    replaces: bool = False,
) -> None:
    """Load the archive into a database that is empty, or that `clear` empties; raises BackupError.

    `replaces` says that it is the environment's own.
    """
    from ci_migrate.backup.backends.registry import backend_of
    from ci_migrate.backup.reading import open_backup

    manifest = source.manifest
    backend = backend_of(manifest.backend)
    request = replace(
        _request(source, env),
        tools=backend.find_tools(manifest.tools, env),
        clear=clear,
        finish=finish,
        keep_owner=keep_owner,
        replaces=replaces,
    )
    with open_backup(manifest, source.store, source.identities, env=env) as archive:
        backend.restore_archive(request, archive, database.address)


def _request(source: Source, env: Mapping[str, str]) -> RestoreRequest:
    from ci_migrate.backup.request import RestoreRequest

    manifest = source.manifest
    return RestoreRequest(
        format=manifest.format,
        tools={},
        env=env,
        properties=manifest.properties,
        options=source.options,
        origin=manifest.origin,
        tell=source.tell,
    )


def load_archive(execution: Execution, source: Source) -> None:
    """Put the archive in the place of everything in the environment's database; raises RestoreError."""
    manifest, database = source.manifest, execution.database
    try:
        clear = clearing_script(database, manifest.name, execution.record.run.started_at)
        finish = finishing_script(database)
        pour_archive(source, execution.env, database, clear=clear, finish=finish, replaces=True)
    except CiMigrateError as exc:
        raise RestoreError(
            f"the backup {manifest.name} could not be brought back: {exc.message}",
            next_step=_next_step(execution, exc),
        ) from exc


def _next_step(execution: Execution, error: CiMigrateError) -> str:
    cause = f" {error.next_step}" if error.next_step else ""
    backup = execution.record.backup
    before = f" The state of before is in {backup.location}." if backup and backup.location else ""
    restoring = execution.restoring
    if restoring is None or restoring.is_snapshot:
        return f"What the command left of the database nobody knows: look at it.{before}{cause}"
    if execution.database.dialect != "mysql":
        return f"The database is as it was: the restore is one transaction.{cause}"
    return (
        "MariaDB commits every statement: the database may hold a part of the archive. Once the cause is gone, run"
        f" the restore again; it begins anew: {restoring.command(execution.environment.name)}.{before}{cause}"
    )
