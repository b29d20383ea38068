"""How the tests of restores run ci-migrate."""

from __future__ import annotations

import json
from typing import Any

from tests.projects_builder import Project
from tests.promotion import Ran
from tests.promotion import say as run_plain


def say(project: Project, url: str, *arguments: str, **env: str) -> tuple[int, str]:
    """Run a command that has no JSON result, and return its exit code and output."""
    argv = [*arguments, "--environment", "dev"]
    return run_plain(project.path, *argv, env={"CIM_URL": url, **env})


def restore(project: Project, url: str, *arguments: str, **env: str) -> Ran:
    """Run `backup restore` and return what it said."""
    target = project.path / "restored.json"
    target.unlink(missing_ok=True)
    code, output = say(project, url, "backup", "restore", "--json", str(target), *arguments, **env)
    return Ran(code, output, json.loads(target.read_text("utf-8")) if target.exists() else {})


def history(project: Project, url: str, *arguments: str) -> list[dict[str, Any]]:
    """Return the runs that `history` shows, oldest first."""
    target = project.path / "history.json"
    code, output = say(project, url, "history", "--json", str(target), *arguments)
    assert code == 0, output
    runs: list[dict[str, Any]] = json.loads(target.read_text("utf-8"))
    return runs
