"""Which settings file a migration project has, in the order in which they count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError, Where
from ci_migrate.revisions.assemble import Choice, Overrides, build_project
from ci_migrate.revisions.file_bytes import read_file_bytes
from ci_migrate.revisions.settings import names_script_location, read_tool_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci_migrate.revisions.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    root: Path
    config: Path | None
    section: str
    flask_app: str | None
    directory: str | None
    env: Mapping[str, str]

    @property
    def flask_folder(self) -> Path:
        return self.root / (self.directory or self.env.get("FLASK_DB_DIRECTORY") or "migrations")


def find_project(
    root: Path,
    *,
    config: Path | None = None,
    name: str | None = None,
    flask_app: str | None = None,
    directory: str | None = None,
    versions: tuple[str, ...] | None = None,
    version_table: str | None = None,
    version_table_schema: str | None = None,
    env: Mapping[str, str],
) -> Project:
    """Find the migration project below `root`, the working directory of its commands.

    Order: `config`; Flask-Migrate (`flask_app`, or FLASK_APP, with the folder `directory`);
    alembic.ini (or ALEMBIC_CONFIG); a Flask-Migrate folder; `[tool.alembic]` in pyproject.toml; no
    settings at all when `versions` says where the revisions are.
    `name` is the section of the ini file; `versions`, `version_table` and `version_table_schema`
    replace what the project says. Nothing is imported. Raises ProjectError when nothing is found or
    a named file is missing; what text cannot tell is in `Project.unreadable`.
    """
    request = _Request(
        root=(root := root.absolute()),
        config=root / config if config else None,
        section=name or "alembic",
        flask_app=flask_app,
        directory=directory,
        env=env,
    )
    choice = _choose(request) or _choose_versions(root, versions)
    if choice is None:
        raise _nothing_found(request)
    overrides = Overrides(
        section=name,
        flask_app=flask_app or (env.get("FLASK_APP") if choice.kind == "flask" else None) or None,
        versions=versions,
        version_table=version_table,
        version_table_schema=version_table_schema,
    )
    return build_project(root, choice, overrides)


def _choose(request: _Request) -> Choice | None:
    return (
        _choose_config(request)
        or _choose_flask_app(request)
        or _choose_ini(request)
        or _choose_flask_folder(request)
        or _choose_pyproject(request)
    )


def is_flask_folder(folder: Path) -> bool:
    """Return whether the env.py of a folder takes its database from the current Flask app."""
    try:
        return b"current_app" in read_file_bytes(folder / "env.py")
    except OSError:
        return False


def _choose_config(request: _Request) -> Choice | None:
    path = request.config
    if path is None:
        return None
    if not path.is_file():
        raise _missing(path, "migrations.config")
    if path.suffix == ".toml":
        if not read_tool_table(path):
            raise ProjectError(
                f"{path} has no [tool.alembic] table",
                next_step="Add one, or let migrations.config name an alembic.ini.",
                where=Where(file=str(path)),
            )
        return Choice(kind="flask" if request.flask_app else "alembic", toml=path)
    # Flask-Migrate's own alembic.ini names no folder; one that does can be used without an application.
    is_flask = request.flask_app or not names_script_location(path, request.section)
    if is_flask and is_flask_folder(path.parent) and path.parent != request.root:
        return Choice(kind="flask", ini=path, script_location=path.parent)
    return Choice(
        kind="flask" if request.flask_app else "alembic", ini=path, toml=_pyproject(request.root)
    )


def _choose_flask_app(request: _Request) -> Choice | None:
    folder = request.flask_folder
    wanted = request.flask_app or (request.env.get("FLASK_APP") and is_flask_folder(folder))
    if not wanted:
        return None
    if request.directory and not folder.is_dir():
        raise _missing(folder, "migrations.directory")
    ini = request.root / "alembic.ini"
    notes = (f"{ini.name} is not used: the Flask app decides",) if ini.is_file() else ()
    return _flask_choice(folder, notes)


def _choose_ini(request: _Request) -> Choice | None:
    named = request.env.get("ALEMBIC_CONFIG")
    if named:
        path = request.root / named
        if not path.is_file():
            raise _missing(path, "the environment variable ALEMBIC_CONFIG")
        if path.name == "pyproject.toml":
            return Choice(kind="alembic", toml=path)
    else:
        path = request.root / "alembic.ini"
        if not path.is_file():
            return None
    folder = request.flask_folder
    notes: tuple[str, ...] = ()
    if is_flask_folder(folder):
        shown = folder.relative_to(request.root) if folder.is_relative_to(request.root) else folder
        note = (
            f"{path.name} is used, not the Flask-Migrate folder {shown}: "
            "set migrations.flask_app to use that one"
        )
        notes = (note,)
    return Choice(kind="alembic", ini=path, toml=_pyproject(request.root), notes=notes)


def _choose_flask_folder(request: _Request) -> Choice | None:
    if request.directory and not request.flask_folder.is_dir():
        raise _missing(request.flask_folder, "migrations.directory")
    return (
        _flask_choice(request.flask_folder, ()) if is_flask_folder(request.flask_folder) else None
    )


def _choose_pyproject(request: _Request) -> Choice | None:
    path = _pyproject(request.root)
    if path is None or "script_location" not in read_tool_table(path):
        return None
    return Choice(kind="alembic", toml=path)


def _choose_versions(root: Path, versions: tuple[str, ...] | None) -> Choice | None:
    """Accept a project without any settings file: it has a runner of its own."""
    if not versions:
        return None
    folder = (root / versions[0]).parent
    return Choice(kind="alembic", script_location=folder)


def _flask_choice(folder: Path, notes: tuple[str, ...]) -> Choice:
    ini = folder / "alembic.ini"
    return Choice(
        kind="flask", ini=ini if ini.is_file() else None, script_location=folder, notes=notes
    )


def _pyproject(root: Path) -> Path | None:
    path = root / "pyproject.toml"
    return path if path.is_file() else None


def _missing(path: Path, key: str) -> ProjectError:
    return ProjectError(
        f"{path} does not exist",
        next_step=f"Correct {key}; relative paths start at the folder of the configuration file.",
        where=Where(file=str(path)),
    )


def _nothing_found(request: _Request) -> ProjectError:
    folder = request.flask_folder
    near = sorted(
        path.relative_to(request.root).as_posix()
        for pattern in ("*/alembic.ini", "*/*/alembic.ini")
        for path in request.root.glob(pattern)
    )
    hint = f"Found {', '.join(near[:3])}: name it as migrations.config. " if near else ""
    return ProjectError(
        f"no Alembic or Flask-Migrate project in {request.root}: there is no alembic.ini, no "
        f"{folder.name}/env.py that uses a Flask app, and no [tool.alembic] with a "
        "script_location in pyproject.toml",
        next_step=hint + "Set migrations.config (path of alembic.ini or pyproject.toml), or "
        "migrations.flask_app and migrations.directory, in ci-migrate.yml.",
    )
