"""How the tests of restores run ci-migrate."""

from __future__ import annotations

import json
import subprocess

from tests.projects_builder import Project
from tests.promotion import Ran, environment, tool


def say(project: Project, url: str, *arguments: str, **env: str) -> tuple[int, str]:
    """Run a command that has no JSON result, and return its exit code and output."""
    done = subprocess.run(
        [*tool(), *arguments, "--environment", "dev"],
        cwd=project.path,
        env=environment({"CIM_URL": url, **env}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout


def restore(project: Project, url: str, *arguments: str, **env: str) -> Ran:
    """Run `backup restore` and return what it said."""
    target = project.path / "restored.json"
    target.unlink(missing_ok=True)
    code, output = say(project, url, "backup", "restore", "--json", str(target), *arguments, **env)
    return Ran(code, output, json.loads(target.read_text("utf-8")) if target.exists() else {})
