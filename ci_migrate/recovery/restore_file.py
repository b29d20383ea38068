"""Lost revision files written back into the work tree, on explicit request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ci_migrate.database.engine import Database
from ci_migrate.errors import BlockedError, UsageError
from ci_migrate.models import Outcome, Promotion
from ci_migrate.preflight import open_ledger
from ci_migrate.recovery.lost_sources import LostSource
from ci_migrate.recovery.orphans import Orphans
from ci_migrate.recovery.recover import look_for_orphans, read_readable
from ci_migrate.recovery.stub import describe_stub
from ci_migrate.revisions.project import shown_path
from ci_migrate.story.frame import RunRequest, run_story
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import History, survey_database
from ci_migrate.words import counted

LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFileRequest(RunRequest):
    """One environment whose lost revisions are to be written into the work tree."""

    show: Callable[[Orphans], None]
    """Shows what was found."""
    is_dry_run: bool


def restore_file(request: RestoreFileRequest) -> Promotion:
    """Write the files of lost revisions, and return a record that names them; no database is changed."""
    return run_story(
        request,
        lambda record: _restore(request, record),
        command="recover",
        goal=Outcome.RECOVERED,
    )


def _restore(request: RestoreFileRequest, record: RunRecord) -> None:
    record.stage_name = "plan"
    history = read_readable(request)
    environment = request.environment
    database = Database(environment.url, root=environment.root)
    survey = survey_database(history, database)
    record.plan = replace(survey.plan, target=survey.plan.current, pending=())
    orphans = look_for_orphans(request, survey, open_ledger(environment, database))
    request.show(orphans)
    verb = "would be written" if request.is_dry_run else "written"
    with record.stage("files") as note:
        paths = tuple(restore_files(history, orphans, is_dry_run=request.is_dry_run))
        note.result = f"{counted(len(paths), 'file')} {verb}"
    for path in paths:
        record.warn(f"{verb}: {path}; commit it, so that the code has what the database has")
    for item in orphans.found:
        if item.revision.id in orphans.moved:
            parents = ", ".join(item.revision.parents) or "None"
            record.warn(f"{item.revision.id} was re-parented: it ran with down_revision {parents}")
    record.outcome = _outcome(paths, is_dry_run=request.is_dry_run)


def _outcome(paths: tuple[str, ...], *, is_dry_run: bool) -> Outcome:
    if not paths:
        return Outcome.NOTHING_TO_DO
    return Outcome.READY if is_dry_run else Outcome.RECOVERED


def restore_files(history: History, orphans: Orphans, *, is_dry_run: bool) -> Iterator[str]:
    """Write the files of the orphans into the first versions folder; yield their paths from the root.

    Raises BlockedError when a text is not known, UsageError when a file is in the way.
    """
    if orphans.unknown:
        raise BlockedError(
            f"neither the ledger nor git has the text of {', '.join(orphans.unknown)}",
            next_step=describe_stub(orphans.unknown[0], ()),
        )
    root = history.project.root
    lost = [item for item in reversed(orphans.found) if item.revision.id not in orphans.kept]
    files = [(_folder(history, item) / _name(item), item) for item in lost]
    for path, _ in files:
        if path.exists():
            raise UsageError(
                f"{path} is in the way", next_step="Move it away, then run this again."
            )
    for path, item in files:
        if not is_dry_run:
            with path.open("x", encoding="utf-8") as file:
                file.write(item.source)
        yield shown_path(path, root)


def _folder(history: History, item: LostSource) -> Path:
    """Return the folder of a revision that it follows, else the first one."""
    project, graph = history.project, history.graph
    for parent in item.revision.parents:
        file = graph.revisions[parent].file if parent in graph.revisions else None
        folder = (project.root / file).parent if file else None
        if folder in project.version_locations:
            return folder
    return project.version_locations[0]


def _name(item: LostSource) -> str:
    """Return the name that git knows, else one like Alembic's own."""
    known = item.revision.file or ""
    if known != f"{item.revision.id}.py" and Path(known).name == known and known.endswith(".py"):
        return known
    slug = "_".join(re.findall(r"[a-z0-9]+", item.revision.message.lower()))[:LONGEST_SLUG]
    safe = re.sub(r"[^\w.-]", "_", item.revision.id)
    return f"{safe}_{slug}.py" if slug else f"{safe}.py"
