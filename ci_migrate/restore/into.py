"""A backup brought into another database than its own: to look at it, or to move."""

from __future__ import annotations

from dataclasses import dataclass, field

from ci_migrate.backup.manifest import Manifest
from ci_migrate.database.catalog import list_tables
from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import CiMigrateError, NotVerifiedError, UsageError
from ci_migrate.models import Outcome, Plan, Promotion
from ci_migrate.redact import one_line
from ci_migrate.restore.source import open_source, pour_archive, prove_source
from ci_migrate.restore.state import check_restored
from ci_migrate.story.frame import RunRequest, run_story
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import read_files


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreIntoRun(RunRequest):
    """A backup of one environment, and an empty database for it."""

    wanted: str | None
    """Name of the backup; None for the newest."""
    into: str = field(repr=False)
    """URL of the database; it must have no tables."""
    keep_owner: bool


def restore_into(request: RestoreIntoRun) -> Promotion:
    """Bring a backup into an empty database, and return the record of it; the environment is not touched."""
    return run_story(
        request, lambda record: _restore(request, record), command="restore", goal=Outcome.RESTORED
    )


def _restore(request: RestoreIntoRun, record: RunRecord) -> None:
    environment = request.environment
    record.stage_name = "choose"
    database = Database(request.into, root=environment.root)
    source = open_source(environment, request.env, record, request.wanted)
    if database.dialect != source.manifest.dialect:
        raise UsageError(
            f"{source.manifest.name} is of a {source.manifest.dialect} database,"
            f" {database.label} is {database.dialect}",
            next_step="Name a database of the same kind with --into.",
        )
    if tables := list_tables(database):
        raise UsageError(
            f"{database.label} has {len(tables)} tables: --into takes an empty database",
            next_step="Create a new one. To replace the environment's own database, leave --into out.",
        )
    prove_source(record, source, request.env)
    record.plan = Plan(current=(), target=source.manifest.heads, pending=(), direction="restore")
    with record.stage("restore") as note:
        pour_archive(source, request.env, database, keep_owner=request.keep_owner)
        note.result = f"{source.manifest.archive} loaded into {database.label}"
    with record.stage("compare") as note:
        record.outcome = Outcome.UNVERIFIED
        compared = check_restored(database, source.manifest)
        note.result = f"{compared}; {_check_version_rows(request, database, source.manifest)}"
    record.reached, record.outcome = source.manifest.heads, Outcome.RESTORED


def _check_version_rows(request: RestoreIntoRun, database: Database, manifest: Manifest) -> str:
    """Return in words that the version rows are those of the manifest; raises NotVerifiedError.

    The project says in which table they are. Without it, for whoever only wants to look at a backup, they are not read.
    """
    try:
        history = read_files(request.environment, request.env)
    except CiMigrateError as exc:
        return f"version rows not compared ({one_line(exc.message, 200)})"
    if "current" in history.untold:
        return "version rows not compared (the project's files do not tell their table)"
    found = read_version_rows(database, history.version_table, history.version_table_schema).rows
    if found != manifest.heads:
        raise NotVerifiedError(
            f"the restore reported success, but the version rows are {', '.join(found) or 'none'} instead of"
            f" {', '.join(manifest.heads) or 'none'}",
            next_step="Do not use that database. Restore another backup.",
        )
    return f"version rows {', '.join(found) or 'none'}"
