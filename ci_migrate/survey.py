"""What is there before anything is changed: files, graph, version rows, and the plan they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ci_migrate.config.environment import Environment, Migrations
from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import VersionRows, read_version_rows
from ci_migrate.errors import DatabaseFailedError, ProjectError
from ci_migrate.models import Plan, Revision
from ci_migrate.plan import build_plan
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.locate import find_project
from ci_migrate.revisions.pending import describe_pending
from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.project import Project, shown_path
from ci_migrate.revisions.reader import read_source
from ci_migrate.revisions.scan import read_history
from ci_migrate.revisions.setup_function import read_setup
from ci_migrate.revisions.sources import find_broken_files
from ci_migrate.revisions.subfolders import notes_on_subfolders
from ci_migrate.revisions.surroundings import Read, Surroundings, read_disk, search_from
from ci_migrate.revisions.syntax import is_python
from ci_migrate.revisions.way_out import leads_out

HOW_TO_READ = (
    "Write ids and parents as plain texts into the files; name folders that are chosen at run time in"
    " `migrations.versions`, and such a version table in `migrations.version_table` and `version_table_schema`."
)
"""The way out where the files do not tell the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The project and its revisions."""

    project: Project
    graph: Graph
    problems: tuple[Problem, ...]
    unreadable: tuple[str, ...]
    """Why the files alone do not tell the history; empty when they do."""
    uncounted: tuple[str, ...] = ()
    """Those of `unreadable` for which `graph` may lack revisions."""
    unlabelled: tuple[str, ...] = ()
    """Those of `unreadable` for which `graph` lacks branch labels only."""
    version_table: str
    version_table_schema: str | None

    @property
    def untold(self) -> frozenset[str]:
        """What of a plan the files do not tell: `current`, `target`, `pending`."""
        names: set[str] = {"target", "pending"} if self.uncounted else set()
        if self.unreadable and not self.project.version_table_known:
            names |= {"current", "pending"}
        return frozenset(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A history seen against one database."""

    history: History
    rows: VersionRows
    plan: Plan


def read_files(environment: Environment, env: Mapping[str, str]) -> History:
    """Read the project of an environment as text; nothing of it is imported."""
    return read_project(environment.migrations, environment.root, env)


def read_project(migrations: Migrations, root: Path, env: Mapping[str, str]) -> History:
    """Read a project as text; `root` is the folder of the configuration."""
    project = find_project(
        root,
        config=Path(migrations.config) if migrations.config else None,
        name=migrations.name,
        flask_app=migrations.flask_app,
        directory=migrations.directory,
        versions=migrations.versions or None,
        version_table=migrations.version_table,
        version_table_schema=migrations.version_table_schema,
        env=env,
    )
    _refuse_ways_out(project)
    if not migrations.setup:
        _refuse_missing_script(project, has_command=migrations.upgrade_command is not None)
    path = (root / folder for folder in migrations.path)
    project = replace(project, import_path=(*path, *project.import_path))
    read = read_history(project)
    unreadable = read.unreadable
    setup = _read_setup(migrations, root)
    broken = (
        find_broken_files([shown_path(project.env_py, project.root)], project.root)
        if project.env_py
        else ()
    )
    unreadable += () if broken else _find_unknown_table(project)
    graph = Graph(read.revisions)
    notes = notes_on_subfolders(project, graph.heads())
    return History(
        project=replace(project, notes=project.notes + notes),
        graph=graph,
        problems=broken + read.problems,
        unreadable=unreadable + setup,
        uncounted=read.uncounted + setup,
        unlabelled=tuple(reason for reason in read.unreadable if reason not in read.uncounted),
        version_table=project.version_table,
        version_table_schema=project.version_table_schema,
    )


def _refuse_ways_out(project: Project) -> None:
    """Raise ProjectError where the settings or env.py are links to something outside of the repository."""
    for path in (project.config_file, project.env_py):
        if path is not None and leads_out(path, project.root):
            raise ProjectError(
                f"{shown_path(path, project.root)} leads out of the repository by a symbolic link",
                next_step="Put the file itself there: what it leads to is in no commit, and can be anything.",
            )


def _refuse_missing_script(project: Project, *, has_command: bool) -> None:
    """Raise ProjectError where the settings name a script folder that is not there, or in which there is no env.py."""
    script, config = project.script_location, project.config_file
    if script is None or project.kind != "alembic" or project.env_py is not None:
        return
    meant = _find_beside(project)
    is_there = script.is_dir()
    if is_there and (meant is None or not (meant / "env.py").is_file()):
        if has_command or project.sourceless:
            return  # it need not have one
        meant = None
    advice = (
        "Bring it back: without it Alembic runs nothing."
        if is_there
        else "Correct `script_location`."
    )
    if meant is not None and config is not None:
        folder, name = shown_path(config.parent, project.root), meant.relative_to(config.parent)
        here = "%(here)s" if meant == config.parent else f"%(here)s/{name.as_posix()}"
        advice = (
            f"It is looked for from the working directory, and lies in {folder}: put ci-migrate.yml into {folder}"
            f" (in the action, `working-directory: {folder}`), or write `script_location = {here}`."
        )
    raise ProjectError(
        f"the script folder {shown_path(script, project.root)} of"
        f" {shown_path(config, project.root) if config else 'the settings'}"
        f" {'has no env.py' if is_there else 'does not exist'}",
        next_step=advice,
    )


def _find_beside(project: Project) -> Path | None:
    """Return the folder that `script_location` names when it is looked for from the folder of the settings."""
    script, config = project.script_location, project.config_file
    if script is None or config is None or not script.is_relative_to(project.root):
        return None
    folder = config.parent / script.relative_to(project.root)
    return folder if folder.is_dir() else None


def _find_unknown_table(project: Project) -> tuple[str, ...]:
    """Return why the version table is not known, and the keys that name what is not."""
    parts = [] if project.table_known else [("name", "`migrations.version_table`")]
    if not project.schema_known:
        parts.append(("schema", "`migrations.version_table_schema`, empty for the default one"))
    if not parts:
        return ()
    what, keys = (" and ".join(texts) for texts in zip(*parts, strict=True))
    verb = "env.py computes" if project.env_py else "there is no env.py that tells"
    return (f"{verb} the {what} of its version table: say it by {keys}",)


def _read_setup(migrations: Migrations, root: Path) -> tuple[str, ...]:
    if not migrations.setup or migrations.versions:
        return ()
    reason = read_setup(migrations.setup, (root, *(root / path for path in migrations.path)))
    return (reason,) if reason else ()


def history_of_worker(
    history: History,
    revisions: list[Mapping[str, Any]],
    version_table: str,
    version_table_schema: str | None,
) -> History:
    """Return a history as the project itself loaded it, for those that cannot be read as text."""
    root = history.project.root
    found = [
        Revision(
            id=item["id"],
            parents=tuple(item["parents"]),
            depends_on=tuple(item["depends_on"]),
            labels=tuple(item["labels"]),
            message=item["message"],
            file=shown_path(Path(item["file"]), root),
        )
        for item in revisions
    ]
    return History(
        project=history.project,
        graph=Graph(found),
        problems=(),
        unreadable=(),
        version_table=version_table,
        version_table_schema=version_table_schema,
    )


def survey_database(
    history: History, database: Database, *, expect: Callable[[], None] | None = None
) -> Survey:
    """Read the version rows of a database and plan from them.

    `expect` is called when something is pending, before its files are read.
    Raises DatabaseUnreachableError, and DatabaseFailedError when the version table cannot be read.
    """
    try:
        rows = read_version_rows(database, history.version_table, history.version_table_schema)
    except DatabaseFailedError as exc:
        raise DatabaseFailedError(
            exc.message,
            next_step=f"Nothing was changed. Once the version table {history.version_table} can be read, start the"
            " run again: the role of the URL needs the right to, and the database must be the project's.",
        ) from exc
    plan = plan_history(history, rows.rows, database.dialect, expect=expect)
    return Survey(history=history, rows=rows, plan=plan)


def plan_history(
    history: History,
    rows: tuple[str, ...] | None,
    dialect: str,
    *,
    expect: Callable[[], None] | None = None,
) -> Plan:
    """Plan from version rows; None when they are not known, then nothing is called pending."""
    if rows is None:
        heads = history.graph.heads()
        return Plan(current=(), target=history.graph.real_heads(heads), pending=())
    root, around = history.project.root, surroundings_of(history.project)
    return build_plan(
        history.graph,
        rows,
        lambda revision: describe_pending(revision, root, dialect, around),
        expect=expect,
    )


def surroundings_of(project: Project, read: Read | None = None) -> Surroundings:
    """Return the modules around the revision files of a project; `read` is for files that are not checked out."""
    search = search_from(project.root, project.import_path)
    return Surroundings(search=search, read=read or read_disk(project.root))


def _widens_column(survey: Survey, limit: int) -> bool:
    """Return whether an id is too long for the version column, and the project cares for that itself."""
    history = survey.history
    if all(len(name) <= limit for name in history.graph.revisions):
        return False
    texts = [item.source for item in survey.plan.pending]
    with suppress(ProjectError):
        texts += [read_source(history.project.env_py)] if history.project.env_py else []
    return any(word in text for text in texts for word in ("version_num", "version_table_impl"))


def notes_on_nothing(history: History) -> tuple[str, ...]:
    """Return a warning where no revision was found: a folder that is ignored by git looks like a new project."""
    if history.graph.revisions or history.unreadable:
        return ()
    project = history.project
    folders = ", ".join(shown_path(folder, project.root) for folder in project.version_locations)
    return (
        f"there is no revision file in {folders or 'the project'}, so nothing can be promoted from here",
    )


def problems_of(survey: Survey) -> tuple[Problem, ...]:
    """Return the faults of files and graph, those of ids measured by the database's column."""
    history, limit = survey.history, survey.rows.id_length
    if limit is not None and _widens_column(survey, limit):
        limit = None
    pending = survey.plan.pending
    # To compile is quicker than to parse, and tells which files the parser has to say more of.
    doubtful = [
        item.file for item in pending if item.file and not (item.source and is_python(item.source))
    ]
    broken = find_broken_files(doubtful, history.project.root)
    # Of a graph that lacks revisions it is no fault that a parent is missing.
    graph = () if history.uncounted else history.graph.problems(id_limit=limit)
    return history.problems + graph + broken
