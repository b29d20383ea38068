"""Where a migration project lies and how it is set up, as far as text can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """An Alembic or Flask-Migrate project, found without importing anything of it."""

    kind: Literal["alembic", "flask"]
    root: Path
    """The working directory of the project's commands; absolute."""
    config_file: Path | None
    """`alembic.ini` or `pyproject.toml`; None for a Flask-Migrate folder without one."""
    ini_section: str
    script_location: Path | None
    """The folder of env.py; None when it cannot be known from text."""
    version_locations: tuple[Path, ...]
    """The folders of the revision files, in the order of the settings; they may be missing."""
    recursive: bool
    sourceless: bool
    env_py: Path | None
    version_table: str
    version_table_schema: str | None
    table_known: bool
    """False when env.py computes the name of its version table, or was not found."""
    schema_known: bool
    """The same of its schema."""
    flask_app: str | None
    import_path: tuple[Path, ...] = ()
    """Folders of the repository in which its own modules are looked for."""
    unreadable: tuple[str, ...] = ()
    """Reasons why the place of the revisions cannot be known from text; empty when it is known."""
    notes: tuple[str, ...] = ()
    """What the user should know about the choice that was made; never an obstacle."""

    @property
    def version_table_known(self) -> bool:
        """Whether the version table is known by name and schema."""
        return self.table_known and self.schema_known


def shown_path(path: Path, root: Path) -> str:
    """Return a path as the user knows it: relative to the working directory where it lies below."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
