"""Runs ci-migrate as a user does: as a process, in a project, and reads its JSON result."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.projects_builder import Project
from tests.projects_plain import fill_environment, scheme_of


@dataclass(frozen=True)
class Ran:
    """A run of ci-migrate that ended."""

    exit_code: int
    output: str
    result: dict[str, Any]

    @property
    def outcome(self) -> str:
        return str(self.result["outcome"])


def write_config(project: Project, environments: Mapping[str, Any], **more: Any) -> Path:
    """Write ci-migrate.yml of a project; JSON is YAML."""
    config = {
        "version": 1,
        "migrations": project.situation.migrations,
        "environments": environments,
        **more,
    }
    path = project.path / "ci-migrate.yml"
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    return path


def promote(project: Project, url: str, *arguments: str, **settings: Any) -> Ran:
    """Promote the one environment `dev` of a project on a database."""
    url = scheme_of(project.situation, url)
    write_config(project, {"dev": {"url": "${CIM_URL}", "branches": ["main"], **settings}})
    env = {"CIM_URL": url, **fill_environment(project.situation, url)}
    return run_tool(project.path, "promote", "--environment", "dev", *arguments, env=env)


def run_tool(
    folder: Path, command: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Ran:
    """Run a command of ci-migrate in a folder, with `--json`, and wait for its end."""
    target = folder / ".ci-migrate-result.json"
    target.unlink(missing_ok=True)
    code, output = say(folder, *command.split(), "--json", str(target), *arguments, env=env)
    result = json.loads(target.read_text("utf-8")) if target.exists() else {}
    return Ran(code, output, result)


def say(folder: Path, *argv: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command of ci-migrate in a folder; return its exit code and output."""
    done = subprocess.run(
        [*tool(), *argv],
        cwd=folder,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout


def type_at_terminal(
    folder: Path, typed: str, *argv: str, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command with a terminal at its standard input, at which a line is typed."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [*tool(), *argv],
        cwd=folder,
        env=environment(env),
        stdin=other,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.write(main, f"{typed}\n".encode())
    output = process.communicate(timeout=120)[0].decode()
    os.close(main)
    os.close(other)
    return process.returncode, output


def tool() -> list[str]:
    """Return the beginning of every command line."""
    return [sys.executable, "-m", "ci_migrate"]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's variables, the project's Python first in PATH, and some more."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **(more or {})}
