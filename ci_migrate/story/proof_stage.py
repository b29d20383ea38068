"""Stage `prove`: the archive is restored into a scratch database and compared with what was dumped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ci_migrate.config.backup_rules import SNAPSHOTS
from ci_migrate.config.environment import Environment
from ci_migrate.database.contents import read_contents
from ci_migrate.database.source import Extent, Source, watched_source
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.environment_store import read_backup_options
from ci_migrate.errors import (
    BackupError,
    ConfigError,
    DatabaseFailedError,
    DatabaseUnreachableError,
    ScratchError,
)
from ci_migrate.scratch.request import Scratch, scratch_like
from ci_migrate.scratch.restored import Restored, describe_proof, find_differences
from ci_migrate.story.execution import Execution
from ci_migrate.times import format_time

if TYPE_CHECKING:
    from ci_migrate.backup.manifest import Manifest
    from ci_migrate.backup.stores.protocol import Store


def dumped_source(execution: Execution) -> AbstractContextManager[Source]:
    """Return the context in which a dump is made: counted as far as the configuration wants it."""
    environment, database = execution.environment, execution.database
    shares_snapshot = environment.backup.backend not in SNAPSHOTS
    if environment.backup_prove == "restore":
        return watched_source(database, "everything", shares_snapshot=shares_snapshot)
    if "none" in (environment.backup.backend, environment.backup.count_rows):
        return _uncounted()
    extent: Extent = "rows" if environment.backup.count_rows == "all" else "small"
    return watched_source(database, extent, shares_snapshot=shares_snapshot)


def make_own_key(environment: Environment) -> tuple[list[Any], str]:
    """Return an identity of this run and its recipient, where an encrypted archive is to be restored for trial.

    The private half is in the memory of this process only; the archive stays closed to everybody else on the runner.
    """
    if environment.backup_prove != "restore" or not environment.backup.encrypt_to:
        return [], ""
    from ci_migrate.backup.encryption import make_run_key

    identity, recipient = make_run_key()
    return [identity], recipient


def prove_by_restore(
    execution: Execution,
    source: Source,
    store: Store,
    rows: tuple[str, ...],
    identities: Sequence[Any] = (),
) -> None:
    """Restore the run's backup into a scratch database, and compare that with what was dumped.

    The copy is kept for a rehearsal where one is wanted. An archive that fails is removed: it must not
    count as a backup. `identities` can read it, where it is encrypted. Raises BackupError; the environment's database
    is only read.
    """
    record, backup = execution.record, execution.record.backup
    if backup is None or not backup.location:
        raise ConfigError(
            "there is no archive to restore: the backup is `none`",
            next_step="Take a backup, or leave `prove: restore` and `rehearse` out.",
        )
    with record.stage("prove") as note, ExitStack() as stack:
        manifest = _find_manifest(store, backup.location)
        try:
            scratch = _restore(execution, stack, manifest, store, identities)
            source.leave_only(manifest.tables)
            problems = [*_compare(execution, source, scratch, rows)]
        except (DatabaseFailedError, DatabaseUnreachableError) as exc:
            raise ScratchError(exc.message, next_step=exc.next_step) from exc
        if problems:
            _remove(execution, store, manifest)
            raise BackupError(
                f"the backup does not hold what the database has: {'; '.join(problems[:5])}",
                next_step="The database was not touched, and the archive was removed. Run this again; if it"
                " happens again, compare a restored dump with the database by hand.",
            )
        proof = describe_proof(source, scratch.where)
        _write_proof(execution, source, store, manifest, proof)
        record.backup = dataclasses.replace(backup, verified=f"{backup.verified}; {proof}")
        note.result = proof
        if execution.environment.rehearse != "off":
            execution.restored = Restored(scratch=scratch, opened=stack.pop_all())


@contextmanager
def _uncounted() -> Iterator[Source]:
    yield Source()


def _restore(
    execution: Execution,
    stack: ExitStack,
    manifest: Manifest,
    store: Store,
    identities: Sequence[Any],
) -> Scratch:
    from ci_migrate.backup.backends.registry import backend_of
    from ci_migrate.backup.reading import open_backup
    from ci_migrate.backup.request import RestoreRequest
    from ci_migrate.scratch.open import open_scratch

    backend = backend_of(manifest.backend)
    tools = backend.find_tools(manifest.tools, execution.env)
    scratch = stack.enter_context(
        open_scratch(
            scratch_like(
                execution.environment,
                execution.database,
                run_id=execution.record.run.run_id,
                env=execution.env,
                now=execution.now,
                warn=execution.record.warn,
            )
        )
    )
    # The roles of the environment's server are not those of the scratch server.
    request = RestoreRequest(
        format=manifest.format,
        tools=tools,
        env=execution.env,
        properties=manifest.properties,
        keep_owner=False,
        options=read_backup_options(execution.environment),
        origin=manifest.origin,
        tell=execution.record.note,
    )
    with open_backup(manifest, store, identities, env=execution.env) as archive:
        backend.restore_archive(request, archive, scratch.database.address)
    return scratch


def _compare(
    execution: Execution, source: Source, scratch: Scratch, rows: tuple[str, ...]
) -> Iterator[str]:
    database, history = scratch.database, execution.history
    with database.session(is_watched=True) as session:
        copy = read_contents(session, database.dialect)
    yield from find_differences(source, copy)
    if history is not None and "current" not in history.untold:
        found = read_version_rows(
            database, history.version_table, history.version_table_schema
        ).rows
        if found != rows:
            yield f"its version rows are {', '.join(found) or 'none'} instead of {', '.join(rows) or 'none'}"


def _find_manifest(store: Store, location: str) -> Manifest:
    from ci_migrate.backup.inventory import read_manifest
    from ci_migrate.backup.manifest import MANIFEST_SUFFIX

    archive = location.rpartition("/")[2]
    names = [file.name for file in store.list() if file.name.endswith(MANIFEST_SUFFIX)]
    for name in names:
        if archive.startswith(name.removesuffix(MANIFEST_SUFFIX) + "."):
            return read_manifest(store, name)
    raise BackupError(f"the manifest of {location} is gone", next_step="Run this again.")


def _write_proof(
    execution: Execution, source: Source, store: Store, manifest: Manifest, proof: str
) -> None:
    from ci_migrate.backup.inventory import write_manifest

    proved = dataclasses.replace(
        manifest,
        sequences=source.before.sequences,
        proof="restore",
        verified=f"{manifest.verified}; {proof}",
        verified_at=format_time(execution.now()),
    )
    write_manifest(store, proved, replace=True)


def _remove(execution: Execution, store: Store, manifest: Manifest) -> None:
    from ci_migrate.backup.removal import remove_backup

    options = read_backup_options(execution.environment)
    # What is wrong with it is the news, not that it cannot be removed.
    with suppress(BackupError):
        remove_backup(manifest, store, options, env=execution.env)
