"""Which environment a run is for: every kind of event, with what was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ci_migrate.config.load import load_config
from ci_migrate.config.loaded import Config
from ci_migrate.errors import ExitCode, UsageError
from ci_migrate.github.event import GitHubEvent, read_event
from ci_migrate.selection import Selection, select_environment

ENVIRONMENTS = {
    "dev": {"url": "sqlite:///dev.db", "branches": ["dev", "feature/*"]},
    "production": {"url": "sqlite:///production.db", "branches": ["main"]},
    "lab": {"url": "sqlite:///lab.db"},
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ci-migrate.yml"
    path.write_text(json.dumps({"version": 1, "environments": ENVIRONMENTS}), encoding="utf-8")
    return load_config(path)


def make_event(tmp_path: Path, name: str, ref: str, **payload: Any) -> GitHubEvent | None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(payload), encoding="utf-8")
    return read_event(github(name, ref, path))


def github(name: str, ref: str, path: Path) -> Mapping[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_REF": ref,
        "GITHUB_EVENT_PATH": str(path),
    }


def select(config: Config, event: GitHubEvent | None = None, **asked: str | None) -> Selection:
    values: dict[str, str | None] = {"environment": None, "branch": None, "git_branch": None}
    return select_environment(config, event=event, **{**values, **asked})


# event, ref, what a run without options does: the environment, or None where nothing is to be done
EVENTS = [
    ("push", "refs/heads/main", "production"),
    ("push", "refs/heads/feature/x", "dev"),
    ("push", "refs/heads/nobody", None),
    ("push", "refs/tags/main", None),
    ("push", "refs/heads/gh-readonly-queue/main/pr-1", None),
    ("workflow_dispatch", "refs/heads/main", "production"),
    ("workflow_dispatch", "refs/tags/v1", None),
    ("pull_request", "refs/pull/1/merge", None),
    ("pull_request_target", "refs/heads/main", None),
    ("merge_group", "refs/heads/gh-readonly-queue/main/pr-1", None),
    ("issue_comment", "refs/heads/main", None),
    ("schedule", "refs/heads/main", None),
    ("release", "refs/tags/v1", None),
    ("workflow_run", "refs/heads/main", None),
    ("", "", None),
]


@pytest.mark.parametrize(("name", "ref", "expected"), EVENTS)
def test_an_event_alone(
    name: str, ref: str, expected: str | None, config: Config, tmp_path: Path
) -> None:
    found = select(config, make_event(tmp_path, name, ref), git_branch="main")
    assert found.environment == expected
    assert found.reason


STRANGERS = [
    ("pull_request", "refs/pull/1/merge"),
    ("pull_request_target", "refs/heads/main"),
    ("pull_request_review", "refs/pull/1/merge"),
    ("merge_group", "refs/heads/gh-readonly-queue/main/pr-1"),
    ("issue_comment", "refs/heads/main"),
    ("push", "refs/tags/v1"),
    ("workflow_dispatch", "refs/tags/v1"),
]


@pytest.mark.parametrize(("name", "ref"), STRANGERS)
@pytest.mark.parametrize("asked", [{"environment": "production"}, {"branch": "main"}])
def test_strangers_never_deploy_also_when_they_ask_by_name(
    name: str, ref: str, asked: dict[str, str], config: Config, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=name) as error:
        select(config, make_event(tmp_path, name, ref), **asked)
    assert error.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("name", ["schedule", "workflow_run", "release", "push"])
def test_other_events_deploy_what_is_named(name: str, config: Config, tmp_path: Path) -> None:
    event = make_event(tmp_path, name, "refs/heads/main")
    assert select(config, event, environment="lab").environment == "lab"
    assert select(config, event, branch="dev").environment == "dev"


def test_a_deleted_branch_deploys_nothing(config: Config, tmp_path: Path) -> None:
    found = select(config, make_event(tmp_path, "push", "refs/heads/main", deleted=True))
    assert found.environment is None
    assert "deleted" in found.reason


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_push_that_cannot_be_read_does_not_end_green(
    content: str | None, config: Config, tmp_path: Path
) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    event = read_event(github("push", "refs/heads/main", path))
    with pytest.raises(UsageError, match=r"event\.json") as error:
        select(config, event)
    assert error.value.exit_code is ExitCode.USAGE
    assert "GITHUB_EVENT_PATH" in (error.value.next_step or "")
    assert select(config, event, environment="production").environment == "production"


def test_outside_of_github_git_says_the_branch(config: Config) -> None:
    assert select(config, git_branch="feature/y").environment == "dev"


def test_on_github_git_is_not_asked(config: Config, tmp_path: Path) -> None:
    event = make_event(tmp_path, "push", "refs/heads/nobody")
    assert select(config, event, git_branch="main").environment is None


def test_a_branch_of_git_without_environment_is_an_error(config: Config) -> None:
    with pytest.raises(UsageError, match="'nobody'"):
        select(config, git_branch="nobody")


def test_a_detached_head_asks_for_a_name(config: Config) -> None:
    with pytest.raises(UsageError, match="git is on no branch") as error:
        select(config)
    assert "--environment" in (error.value.next_step or "")


def test_a_branch_that_was_asked_for_and_has_no_environment_is_an_error(config: Config) -> None:
    with pytest.raises(UsageError, match="'nobody'"):
        select(config, branch="nobody", git_branch="main")


def test_an_environment_that_does_not_exist_is_an_error_with_those_that_do(config: Config) -> None:
    with pytest.raises(UsageError, match="'prod'") as error:
        select(config, environment="prod")
    assert "dev, production, lab" in (error.value.next_step or "")


def test_the_name_comes_before_the_branch(config: Config) -> None:
    found = select(config, environment="production", branch="dev")
    assert found.environment == "production"
    assert found.warning == "branch dev is not one of the branches of production (main)"


@pytest.mark.parametrize(("environment", "branch"), [("production", "main"), ("lab", "anything")])
def test_no_warning_where_the_branch_fits_or_none_is_named(
    environment: str, branch: str, config: Config
) -> None:
    assert select(config, environment=environment, git_branch=branch).warning is None


@pytest.mark.parametrize("asked", [{"environment": "production"}, {"branch": "main"}])
def test_a_command_that_only_looks_may_name_an_environment_in_a_pull_request(
    asked: dict[str, str], config: Config, tmp_path: Path
) -> None:
    event = make_event(tmp_path, "pull_request", "refs/pull/1/merge")
    values = {"environment": None, "branch": None, "git_branch": None, **asked}
    found = select_environment(config, event=event, deploys=False, **values)
    assert found.environment == "production"
    with pytest.raises(UsageError, match="never deploys"):
        select_environment(config, event=event, **values)
