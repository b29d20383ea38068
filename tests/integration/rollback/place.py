"""One environment on a database of any kind, to be promoted and rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.projects_builder import Project, build_repository
from tests.projects_plain import fill_environment, scheme_of
from tests.promotion import Ran, run_tool, write_config


@dataclass(frozen=True, kw_only=True)
class Place:
    """A project under git with the environment `dev`."""

    project: Project
    url: str
    env: Mapping[str, str]

    def run(self, command: str, *arguments: str) -> Ran:
        """Run a command for `dev`."""
        return run_tool(
            self.project.path, command, "--environment", "dev", *arguments, env=self.env
        )

    def roll_back(self, *arguments: str) -> Ran:
        """Roll back as a workflow does."""
        return self.run("rollback", "--confirm", "dev", *arguments)

    def file(self, revision: str) -> Path:
        """Return the file of a revision."""
        return next(self.project.path.rglob(f"{revision}*.py"))

    def edit(self, revision: str, old: str, new: str) -> None:
        """Replace a text that the file of a revision has."""
        file = self.file(revision)
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")


def build_place(
    folder: Path,
    url: str,
    name: str = "linear",
    *,
    change: Callable[[Project], None] | None = None,
    **settings: Any,
) -> Place:
    """Return a project on an empty database, promoted to its heads; `change` is done to it before."""
    project = build_repository(name, folder)
    if change:
        change(project)
    url = scheme_of(project.situation, url)
    write_config(project, {"dev": {"url": "${CIM_URL}", "branches": ["main"], **settings}})
    env = {"CIM_URL": url, **fill_environment(project.situation, url)}
    place = Place(project=project, url=url, env=env)
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    return place
