"""A team's repository for the tests of the action: a project, its configuration and a workflow."""

from __future__ import annotations

import importlib.metadata
import json
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.action.act import NO_SHA, ActResult, run_act
from tests.projects_builder import Project, build_repository, commit, run_git

ROOT = Path(__file__).resolve().parents[2]
PROMOTE = ROOT / "workflows" / "promote.yml"
CONFIG = """\
version: 1
migrations: {migrations}
environments:
  dev: {{branches: [dev], url: "${{DEV_DATABASE_URL}}", backup: {backup}}}
  staging:
    {{branches: [staging], url: "${{STAGING_DATABASE_URL}}", promote_from: dev, backup: {backup}}}
  production:
    {{branches: [main], url: "${{PRODUCTION_DATABASE_URL}}", promote_from: staging, backup: {backup}}}
notify:
  slack: {{webhook: "${{SLACK_WEBHOOK_URL}}"}}
"""
ONE_STEP = f"""\
on: {{push: {{}}, workflow_dispatch: {{}}, pull_request: {{}}}}
permissions: {{}}
jobs:
  promote:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{NO_SHA}
      - uses: ci-migrate/ci-migrate@{NO_SHA}
        id: promote
        with: INPUTS
        env:
          DEV_DATABASE_URL: ${{{{ secrets.DEV_DATABASE_URL }}}}
          SLACK_WEBHOOK_URL: ${{{{ secrets.SLACK_WEBHOOK_URL }}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The repository, where its backups go, and the actions that its workflow uses."""

    project: Project
    folder: Path
    backups: Path
    actions: Mapping[str, Path]

    def push(
        self, branch: str, secrets: Mapping[str, str], *, event: str = "push", **payload: Any
    ) -> ActResult:
        """Run the workflow as for a push of what the branch holds."""
        run_git(self.project, "checkout", "-q", branch)
        return run_act(
            self.project.path,
            self.folder / "act",
            event=event,
            ref=f"refs/heads/{branch}",
            payload=payload,
            actions=self.actions,
            secrets=secrets,
            # What the project requires is installed as far as its environment can see.
            env={"PYTHONPATH": sysconfig.get_path("purelib")},
        )


def build_shop(name: str, folder: Path, actions: Mapping[str, Path], workflow: str) -> Shop:
    """Make the repository of a project with branches dev, staging and main, and a workflow."""
    project = build_repository(name, folder / "repository", branches=("main",))
    backups = folder / "backups"
    config = CONFIG.format(
        migrations=json.dumps(project.situation.migrations),
        backup=json.dumps({"directory": str(backups)}),
    )
    (project.path / "ci-migrate.yml").write_text(config)
    (project.path / "requirements.txt").write_text(_requirements())
    (project.path / ".github/workflows").mkdir(parents=True)
    (project.path / ".github/workflows/promote.yml").write_text(workflow)
    commit(project, "Promote by ci-migrate")
    for branch in ("dev", "staging"):
        run_git(project, "branch", branch)
    run_git(project, "remote", "add", "origin", "https://github.com/acme/shop.git")
    return Shop(project=project, folder=folder, backups=backups, actions=actions)


def _requirements() -> str:
    names = ("alembic", "flask-migrate", "pymysql")
    return "".join(f"{name}=={importlib.metadata.version(name)}\n" for name in names)


def one_step_workflow(**inputs: str) -> str:
    """Return a workflow with the action as its only step; inputs by name, `_` for `-`."""
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    return ONE_STEP.replace("INPUTS", json.dumps(given))
