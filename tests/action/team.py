"""A team that works through GitHub: pushes, pull requests and buttons, each told by what it leaves behind.

The workflows are those that users copy. They run under act, or, much faster and without their YAML, as the one
process that the action becomes, with the variables that runner and action would give it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.action.act import NO_SHA, ActResult, run_act
from tests.projects_builder import Project, build_repository, commit, run_git
from tests.promotion import Ran, environment, run_tool, tool
from tests.servers.github import TOKEN, GitHubServer
from tests.servers.slack import SlackServer

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
BRANCHES = {"dev": "dev", "staging": "staging", "production": "main"}
SETUP_PYTHON = re.compile(r"actions/setup-python@\w+")
# The Python of the project is there already, by VIRTUAL_ENV: installing takes most of the time of a run.
INSTALL = re.compile(r"run: \|\n +python -m venv \.venv\n.*\n|run: python -m venv .*\n")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a run of a workflow says."""

    ok: bool
    outputs: Mapping[str, str]
    log: str
    summary: str = ""
    annotations: tuple[Mapping[str, Any], ...] = ()

    @property
    def outcome(self) -> str:
        return self.outputs.get("outcome", "")

    @property
    def failed_gates(self) -> dict[str, str]:
        """What each gate that failed says, by its name."""
        gates = json.loads(self.outputs.get("gates") or "[]")
        return {gate["name"]: gate["message"] for gate in gates if gate["outcome"] == "failed"}

    @property
    def applied(self) -> list[str]:
        return [item["revision"] for item in json.loads(self.outputs.get("applied") or "[]")]

    def expect(self, outcome: str) -> Told:
        """Hold the run to an outcome."""
        assert self.outcome == outcome, self.log
        assert self.ok is (outcome not in {"blocked", "failed", "partial"}), self.log
        return self


@dataclass(frozen=True, kw_only=True)
class Team:
    """A repository with its three branches, their databases, Slack and GitHub."""

    project: Project
    folder: Path
    urls: Mapping[str, str]
    slack: SlackServer
    github: GitHubServer
    actions: Mapping[str, Path] | None
    """Where act finds the actions; None to run the process itself."""
    python: Path | None
    """The Python that has the project's requirements, for act."""
    runs: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of the repository, by name."""
        urls = {f"{name.upper()}_DATABASE_URL": url for name, url in self.urls.items()}
        return {**urls, "SLACK_WEBHOOK_URL": self.slack.url, "GITHUB_TOKEN": TOKEN}

    # what developers do

    def git(self, *arguments: str) -> str:
        return run_git(self.project, *arguments)

    def at_home(self, command: str, *arguments: str) -> Ran:
        """Run ci-migrate as a developer does, with the URL of dev."""
        env = {**self.secrets, "STAGING_DATABASE_URL": "", "PRODUCTION_DATABASE_URL": ""}
        return run_tool(self.project.path, command, *arguments, env=env)

    def push(self, branch: str, *, from_: str | None = None) -> Told:
        """Push a branch, after merging another one into it; the workflow `promote` runs."""
        self.git("checkout", "-q", branch)
        if from_:
            self.git("merge", "-q", "--no-edit", from_)
        return self._run("promote", "push", branch, {"ref": f"refs/heads/{branch}"})

    def press(self, button: str, environment: str, **inputs: str | bool) -> Told:
        """Press the button of a workflow on the branch of an environment."""
        branch = BRANCHES[environment]
        self.git("checkout", "-q", branch)
        if button != "promote":
            inputs = {"environment": environment, "confirm": environment, **inputs}
        # As GitHub sends it: booleans are texts in the payload.
        given = {
            name: str(value).lower() if value in {True, False} else value
            for name, value in inputs.items()
        }
        return self._run(button, "workflow_dispatch", branch, {"inputs": given})

    def propose(self, head: str, base: str) -> Told:
        """Open a pull request; the workflow `check` runs on the merge that GitHub makes of it."""
        self.git("checkout", "-q", "--detach", base)
        self.git("merge", "-q", "--no-ff", "--no-edit", head)
        ends = {"base": {"ref": base}, "head": {"ref": head}}
        return self._run("check", "pull_request", None, {"number": 7, "pull_request": ends})

    # how a workflow is run

    def _run(
        self, workflow: str, event: str, branch: str | None, payload: Mapping[str, Any]
    ) -> Told:
        self.runs.append(f"{workflow} {branch or event}")
        if self.actions is None:
            return self._run_process(workflow, event, branch, payload)
        done = run_act(
            self.project.path,
            self.folder / "act",
            event=event,
            ref=f"refs/heads/{branch}" if branch else "refs/pull/7/merge",
            payload=payload,
            workflow=f".github/workflows/{workflow}.yml",
            actions=self.actions,
            secrets={} if workflow == "check" else self.secrets,
            env={
                "VIRTUAL_ENV": str(self.python.parent.parent) if self.python else "",
                "GITHUB_API_URL": self.github.api_url,
                "GITHUB_REPOSITORY": self.github.state.repository,
            },
        )
        return _told_by_act(workflow, done)

    def _run_process(
        self, workflow: str, event: str, branch: str | None, payload: Mapping[str, Any]
    ) -> Told:
        place = self.folder / "runner"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name in ("outputs", "summary"):
            (place / name).touch()
        (place / "event.json").write_text(json.dumps(payload), "utf-8")
        done = subprocess.run(
            tool(),
            cwd=self.project.path,
            env=environment(
                {
                    **(self.secrets if workflow != "check" else {}),
                    **self._runner_variables(place, event, branch),
                    **_action_variables(workflow, payload.get("inputs", {})),
                }
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=180,
            check=False,
        )
        outputs = (place / "outputs").read_text("utf-8")
        found = re.finditer(r"(?ms)^([\w-]+)<<(\S+)\n(.*?)\n?\2$", outputs)
        return Told(
            ok=done.returncode == 0,
            outputs={match[1]: match[3] for match in found},
            log=done.stdout,
            summary=(place / "summary").read_text("utf-8"),
        )

    def _runner_variables(self, place: Path, event: str, branch: str | None) -> dict[str, str]:
        return {
            **{name: value for name, value in self.github.env.items() if name != "GITHUB_TOKEN"},
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "ada",
            "GITHUB_BASE_REF": "" if branch else "dev",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(place / "event.json"),
            "GITHUB_OUTPUT": str(place / "outputs"),
            "GITHUB_REF": f"refs/heads/{branch}" if branch else "refs/pull/7/merge",
            "GITHUB_RUN_ID": "1",
            "GITHUB_SHA": self.git("rev-parse", "HEAD"),
            "GITHUB_STEP_SUMMARY": str(place / "summary"),
            "GITHUB_WORKSPACE": str(self.project.path),
            "CI_MIGRATE_GITHUB_TOKEN": TOKEN,
        }


def _action_variables(workflow: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that the action hands over for a workflow."""
    flags = {
        "promote": "--reapply" if inputs.get("reapply") == "true" else "",
        "recover": {"show": "--dry-run", "undo": "--undo", "finish": "--finish"}.get(
            str(inputs.get("what")), ""
        ),
    }
    return {
        "CI_MIGRATE_COMMAND": workflow,
        "CI_MIGRATE_ENVIRONMENT": str(inputs.get("environment", "")),
        "CI_MIGRATE_CONFIRM": str(inputs.get("confirm", "")),
        "CI_MIGRATE_EXPECT": str(inputs.get("expect", "")),
        "CI_MIGRATE_OVERRIDE": str(inputs.get("override", "")),
        "CI_MIGRATE_REASON": str(inputs.get("reason", "")),
        "CI_MIGRATE_ARGS": flags.get(workflow, ""),
    }


def _told_by_act(workflow: str, done: ActResult) -> Told:
    return Told(
        ok=done.returncode == 0,
        outputs=done.outputs.get(workflow, {}),
        log=done.log,
        summary=done.summary,
        annotations=done.annotations,
    )


def local_actions(action_checkout: Path, setup_python: Path) -> dict[str, Path]:
    """Return the local folders in place of the actions that the workflows pin."""
    pin = SETUP_PYTHON.search((WORKFLOWS / "promote.yml").read_text("utf-8"))
    assert pin is not None
    return {f"ci-migrate/ci-migrate@{NO_SHA}": action_checkout, pin.group(): setup_python}


def found_team(folder: Path, **parts: Any) -> Team:
    """Return a team with a repository whose branches stand at its first commit; `parts` as in `Team`."""
    project = build_repository("linear", folder / "shop", branches=("main",))
    (project.path / "ci-migrate.yml").write_text(yaml.safe_dump(_config(folder)), "utf-8")
    with (project.path / ".gitignore").open("a") as ignored:
        ignored.write(".ci-migrate-result.json\n")
    workflows = project.path / ".github/workflows"
    workflows.mkdir(parents=True)
    for file in WORKFLOWS.glob("*.yml"):
        text = INSTALL.sub('run: "true"\n', file.read_text("utf-8"))
        (workflows / file.name).write_text(text, "utf-8")
    commit(project, "Promote by ci-migrate")
    for branch in ("dev", "staging"):
        run_git(project, "branch", branch)
    run_git(project, "remote", "add", "origin", "https://github.com/acme/shop.git")
    return Team(project=project, folder=folder, **parts)


def _config(folder: Path) -> dict[str, Any]:
    def of(name: str, **more: Any) -> dict[str, Any]:
        return {
            "branches": [BRANCHES[name]],
            "url": f"${{{name.upper()}_DATABASE_URL}}",
            "backup": {"directory": str(folder / "backups")},
            **more,
        }

    return {
        "version": 1,
        "environments": {
            "dev": of("dev"),
            "staging": of("staging", promote_from="dev", evidence=["database", "github"]),
            "production": of("production", promote_from="staging", evidence=["github"]),
        },
        "notify": {"slack": {"webhook": "${SLACK_WEBHOOK_URL}"}},
    }
