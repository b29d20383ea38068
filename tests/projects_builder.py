"""The projects under tests/projects: find one, copy it, put it under git, change its history.

Every copy is complete and independent: tests write to the copy, never to tests/projects.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECTS = Path(__file__).parent / "projects"
SITUATION_FILE = "situation.json"

GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "tests",
    "GIT_AUTHOR_EMAIL": "tests@example.invalid",
    "GIT_COMMITTER_NAME": "tests",
    "GIT_COMMITTER_EMAIL": "tests@example.invalid",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainResult:
    """What the project's own tool does on an empty SQLite database."""

    exit: int
    rows: tuple[str, ...]
    """Version rows afterwards."""
    tables: tuple[str, ...] | None
    """Tables of the project afterwards; None where that is not said."""
    says: str = ""
    """Part of what it prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a project shows, and what is expected of it; see tests/projects/README.md."""

    name: str
    shows: str
    migrations: Mapping[str, Any]
    """The `migrations:` mapping of its ci-migrate.yml; empty where everything is detected."""
    dialects: tuple[str, ...]
    """Of `sqlite`, `postgresql`, `mariadb`."""
    outcome: Mapping[str, str]
    """Outcome of a promotion of an empty database, by dialect."""
    kind: str | None
    """Kind of the failure, where one is expected."""
    target: str
    """`head`, or `heads` where several are intended."""
    heads: tuple[str, ...]
    rows: tuple[str, ...]
    """Version rows of a database at head."""
    tables: tuple[str, ...]
    """Tables of the project in a database at head, without the version table."""
    version_table: str
    version_table_schema: str | None
    environment: Mapping[str, str]
    """Variables the project needs; `{driver}`, `{host}`, … stand for the parts of the URL."""
    schemes: Mapping[str, str]
    """Scheme of the URL that the project wants, by dialect."""
    minimum: Mapping[str, str]
    """Lowest versions, by distribution name."""
    prepare: Mapping[str, Sequence[str]]
    """Statements an administrator runs beforehand, by dialect."""
    is_flask: bool
    plain: PlainResult
    outcome_sqlalchemy_1: str | None
    """Outcome where SQLAlchemy 1.4 makes a difference."""
    plain_sqlalchemy_1: PlainResult | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A copy of a project that a test may change."""

    path: Path
    situation: Situation = field(repr=False)


def list_projects() -> list[str]:
    """Return the names of all projects, sorted."""
    return sorted(file.parent.name for file in PROJECTS.glob(f"*/{SITUATION_FILE}"))


def read_situation(name: str) -> Situation:
    """Read what is known about a project."""
    data = json.loads((PROJECTS / name / SITUATION_FILE).read_text(encoding="utf-8"))
    rows = tuple(data.get("rows", data["heads"]))
    tables = tuple(data["tables"])
    at_head = {"exit": 0, "rows": rows, "tables": tables}
    plain_1 = data.get("plain_sqlalchemy_1")
    return Situation(
        name=name,
        shows=data["shows"],
        migrations=data["migrations"],
        dialects=tuple(data["dialects"]),
        outcome=data["outcome"],
        kind=data.get("kind"),
        target=data.get("target", "head"),
        heads=tuple(data["heads"]),
        rows=rows,
        tables=tables,
        version_table=data.get("version_table", "alembic_version"),
        version_table_schema=data.get("version_table_schema"),
        environment=data.get("environment", {}),
        schemes=data.get("schemes", {}),
        minimum=data.get("minimum", {}),
        prepare=data.get("prepare", {}),
        is_flask=data.get("flask", False) or "flask_app" in data["migrations"],
        plain=_read_plain(data.get("plain", at_head)),
        outcome_sqlalchemy_1=data.get("outcome_sqlalchemy_1"),
        plain_sqlalchemy_1=_read_plain(plain_1) if plain_1 else None,
        note=data.get("note", ""),
    )


def _read_plain(data: Mapping[str, Any]) -> PlainResult:
    tables = data.get("tables")
    return PlainResult(
        exit=data["exit"],
        rows=tuple(data["rows"]),
        tables=None if tables is None else tuple(tables),
        says=data.get("says", ""),
    )


def copy_project(name: str, folder: Path) -> Project:
    """Copy a project into `folder`, which is made, without git and without its situation.json."""
    ignore = shutil.ignore_patterns("__pycache__", SITUATION_FILE)
    shutil.copytree(PROJECTS / name, folder, ignore=ignore)
    return Project(path=folder, situation=read_situation(name))


def build_repository(name: str, folder: Path, *, branches: Sequence[str] = ("main",)) -> Project:
    """Copy a project into a new git repository; all `branches` stand at its first commit.

    The first branch is checked out. Typical: `("dev", "staging", "main")`.
    """
    project = copy_project(name, folder)
    run_git(project, "init", "-q", "-b", branches[0])
    (project.path / ".gitignore").write_text("__pycache__/\n.ci-migrate/\n*.db\n", encoding="utf-8")
    commit(project, f"Start the project {name}")
    for branch in branches[1:]:
        run_git(project, "branch", branch)
    return project


def run_git(project: Project, *arguments: str) -> str:
    """Run git in the project and return what it prints, stripped."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=project.path,
        env=GIT_ENVIRONMENT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(project: Project, message: str) -> str:
    """Commit everything in the project; return the commit's sha."""
    run_git(project, "add", "--all")
    run_git(project, "commit", "-q", "--allow-empty", "-m", message)
    return run_git(project, "rev-parse", "HEAD")


def find_revision(project: Project, revision: str) -> Path:
    """Return the file of a revision; raise LookupError unless there is exactly one."""
    declares = re.compile(rf"^revision(: str)? = (['\"]){re.escape(revision)}\2", re.MULTILINE)
    files = [
        file
        for file in sorted(project.path.rglob("*.py"))
        if declares.search(file.read_text(encoding="utf-8"))
    ]
    if len(files) != 1:
        raise LookupError(f"{len(files)} files declare revision {revision!r} in {project.path}")
    return files[0]
