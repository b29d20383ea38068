"""How a project merges heads by its own tool."""

from __future__ import annotations

import shlex
from pathlib import Path

from ci_migrate.revisions.project import Project, shown_path


def merge_command(project: Project) -> str:
    """Return the command line that merges heads in this project, without message and revisions."""
    if project.kind == "flask":
        words = ["flask"]
        if project.flask_app:
            words += ["--app", project.flask_app]
        words += ["db", "merge"]
        folder = project.script_location
        if folder is not None and folder != project.root / "migrations":
            words += ["-d", shown_path(folder, project.root)]
        return shlex.join(words)
    words = ["alembic"]
    config = project.config_file
    if config is not None and config not in _found_by_alembic(project.root):
        words += ["-c", shown_path(config, project.root)]
    if project.ini_section != "alembic":
        words += ["-n", project.ini_section]
    return shlex.join([*words, "merge"])


def _found_by_alembic(root: Path) -> tuple[Path, ...]:
    return (root / "alembic.ini", root / "pyproject.toml")
