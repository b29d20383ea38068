"""A project out of its settings files, its env.py and what the configuration adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ci_migrate.errors import ProjectError, Where
from ci_migrate.revisions.envpy import EnvPySettings, read_env_py
from ci_migrate.revisions.package_path import resolve_location
from ci_migrate.revisions.project import Project, shown_path
from ci_migrate.revisions.settings import SettingError, Settings, read_settings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The files that make up the project."""

    kind: Literal["alembic", "flask"]
    ini: Path | None = None
    toml: Path | None = None
    script_location: Path | None = None
    """Given where no settings name it: the folder of a Flask-Migrate project."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What ci-migrate.yml says in place of the project."""

    section: str | None
    flask_app: str | None
    versions: tuple[str, ...] | None
    version_table: str | None
    version_table_schema: str | None
    """Empty for the default schema."""


@dataclass(frozen=True, slots=True)
class _Places:
    script: Path | None
    versions: tuple[Path, ...]
    unreadable: tuple[str, ...]
    search: tuple[Path, ...]


def build_project(root: Path, choice: Choice, overrides: Overrides) -> Project:
    """Read the chosen files and return the project that they describe.

    Raises ProjectError when a file cannot be parsed, or has no such section or script_location.
    """
    section = overrides.section or "alembic"
    settings = read_settings(choice.ini, choice.toml, section)
    _check_section(settings, choice, section)
    places = _find_places(root, settings, choice, overrides)
    env_py = places.script / "env.py" if places.script else None
    known = _read_env_py(env_py, root)
    reasons = (*places.unreadable, *filter(None, [known.unreadable]))
    table, schema = overrides.version_table, overrides.version_table_schema
    return Project(
        kind=choice.kind,
        root=root,
        config_file=choice.ini or choice.toml,
        ini_section=section,
        script_location=places.script,
        version_locations=places.versions,
        import_path=places.search,
        recursive=settings.flag("recursive_version_locations"),
        sourceless=settings.flag("sourceless"),
        env_py=env_py if env_py and env_py.is_file() else None,
        version_table=table or known.version_table,
        version_table_schema=known.version_table_schema if schema is None else schema or None,
        table_known=bool(table) or known.table_known,
        schema_known=schema is not None or known.schema_known,
        flask_app=overrides.flask_app,
        unreadable=() if overrides.versions else reasons[:1],
        notes=choice.notes,
    )


def _read_env_py(env_py: Path | None, root: Path) -> EnvPySettings:
    if env_py is not None and env_py.is_file():
        return read_env_py(env_py)
    reason = f"there is no {shown_path(env_py, root)}" if env_py else None
    return EnvPySettings(table_known=False, schema_known=False, unreadable=reason)


def _check_section(settings: Settings, choice: Choice, section: str) -> None:
    ini = settings.ini
    if ini is None or ini.has_section(section) or choice.script_location:
        return
    if "script_location" in settings.toml and section == "alembic":
        return
    others = [name for name in ini.sections() if ini.has_option(name, "script_location")]
    hint = (
        f"Set migrations.name to one of: {', '.join(others)}."
        if others
        else ("Let migrations.name be the section with script_location.")
    )
    raise ProjectError(
        f"{choice.ini} has no section [{section}]",
        next_step=hint,
        where=Where(file=str(choice.ini)),
    )


def _find_places(root: Path, settings: Settings, choice: Choice, overrides: Overrides) -> _Places:
    search: tuple[Path, ...] = (root,)
    named: tuple[str, ...] = ()
    try:
        search = (*(root / path for path in settings.prepend_sys_path()), root)
        script, reason = _find_script(root, settings, choice, search)
        named = settings.version_locations()
    except SettingError as exc:
        script, reason = choice.script_location, str(exc)
    if overrides.versions:
        return _Places(script, _named_versions(root, overrides.versions), (), search)
    if named:
        found = [(text, resolve_location(text, root, search)) for text in named]
        lost = [text for text, path in found if path is None]
        reason = reason or (f"the package of {lost[0]!r} is not found" if lost else None)
        versions = tuple(path for _, path in found if path)
    else:
        versions = (script / "versions",) if script else ()
    if reason is None and not any(path.is_dir() for path in versions):
        missing = ", ".join(shown_path(path, root) for path in versions)
        reason = f"there is no folder of revision files: {missing}"
    return _Places(script, versions, (reason,) if reason else (), search)


def _named_versions(root: Path, versions: tuple[str, ...]) -> tuple[Path, ...]:
    paths = tuple(root / path for path in versions)
    for path in paths:
        if not path.is_dir():
            raise ProjectError(
                f"{path} is no folder",
                next_step="Correct migrations.versions; relative paths start at the folder of "
                "the configuration file.",
                where=Where(file=str(path)),
            )
    return paths


def _find_script(
    root: Path, settings: Settings, choice: Choice, search: tuple[Path, ...]
) -> tuple[Path | None, str | None]:
    """Return the script location, and the reason when it is not usable."""
    text = settings.text("script_location") if choice.script_location is None else None
    if choice.script_location is not None:
        script: Path | None = choice.script_location
    elif text is None:
        file = choice.ini or choice.toml
        raise ProjectError(
            f"{file} has no script_location in [{settings.section}]",
            next_step="Set it, or let migrations.config and migrations.name in ci-migrate.yml "
            "name the file and the section that have it.",
            where=Where(file=str(file)),
        )
    else:
        script = resolve_location(text, root, search)
    if script is None:
        return None, f"the package of script_location {text!r} is not found"
    if not script.is_dir():
        return script, f"the script folder {shown_path(script, root)} does not exist"
    return script, None
