"""A shop with dev, staging and production on databases of their own, promoted by branch."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.projects_builder import Project, build_repository, run_git
from tests.promotion import Ran, run_tool, write_config

NAMES = ("dev", "staging", "production")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A repository with one branch per environment."""

    project: Project
    urls: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.project.path

    def run(self, command: str, *arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run a command of ci-migrate in the work tree as it is."""
        return run_tool(self.path, command, *arguments, env={**self.env, **(env or {})})

    def promote(self, branch: str, **env: str) -> Ran:
        """Bring a branch to the commit that is checked out, check it out, and promote by it."""
        run_git(self.project, "checkout", "-q", "-B", branch)
        return self.run("promote", env=env)

    def file(self, name: str) -> Path:
        """Return the SQLite file of an environment."""
        return self.path / f"{name}.db"

    def rows(self, name: str) -> list[str]:
        """Return the version rows of an environment on SQLite."""
        return [row[0] for row in self.query(name, "SELECT version_num FROM alembic_version")]

    def query(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the SQLite file of an environment."""
        connection = sqlite3.connect(f"file:{self.file(name)}?mode=ro", uri=True)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()


def build_shop(
    folder: Path, name: str = "linear", *, settings: Mapping[str, Any] | None = None, **more: Any
) -> Shop:
    """Return a shop on three SQLite files; `settings` are for all environments, `more` for the file."""
    project = build_repository(name, folder, branches=NAMES)
    urls = {name: f"sqlite:///{folder / name}.db" for name in NAMES}
    write_shop_config(project, settings, **more)
    variables = {f"{name.upper()}_URL": url for name, url in urls.items()}
    return Shop(project=project, urls=urls, env=variables)


def write_shop_config(project: Project, settings: Mapping[str, Any] | None, **more: Any) -> None:
    """Write the configuration with `promote_from` from each environment to the one before it."""
    environments: dict[str, Any] = {}
    for before, name in zip((None, *NAMES), NAMES, strict=False):
        environments[name] = {
            "branches": [name], "url": f"${{{name.upper()}_URL}}", **(settings or {}),
        }  # fmt: skip
        if before:
            environments[name]["promote_from"] = before
    write_config(project, environments, **more)


def gates(ran: Ran) -> dict[str, str]:
    """Return the outcome of each gate of a run."""
    return {gate["name"]: gate["outcome"] for gate in ran.result["gates"]}


def message(ran: Ran, gate: str) -> str:
    """Return what a gate said."""
    return next(item["message"] for item in ran.result["gates"] if item["name"] == gate)
