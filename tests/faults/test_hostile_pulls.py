"""Pull requests of strangers, and a GitHub that answers with their words: `heads --watch` and `heads --against`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.hostile import FORBIDDEN, STRANGER
from tests.faults.hostile_shop import HEAD, HostileShop, build_hostile_shop
from tests.projects_builder import run_git
from tests.projects_changes import edit_revision
from tests.servers.github import Answer, GitHubServer

pytestmark = pytest.mark.faults
BRANCH = "feature/<!channel>@octocat|`$(touch-x)`\u202e##;!error!no"
"""What git takes for the name of a branch: no space, no colon, no bracket."""
ONE, TWO, THREE = "##[one]no $(x)", "##[two]no `x`", "##[three]no"
PUSH = {"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "push"}


def open_pull(shop: HostileShop, github: GitHubServer, number: int) -> str:
    """Open a pull request from what is in the work tree; return the commit of its head."""
    branch = f"{BRANCH}{number}"
    run_git(shop.project, "checkout", "-q", "-b", branch)
    shop.commit()
    sha = run_git(shop.project, "rev-parse", "HEAD")
    pull = github.state.add_pull(branch, sha, "main", title=STRANGER)
    run_git(shop.project, "update-ref", f"refs/pull/{pull}/head", sha)
    run_git(shop.project, "checkout", "-q", "main")
    return sha


@pytest.fixture
def shop(tmp_path: Path, github: GitHubServer) -> HostileShop:
    """A clone of a repository with two pull requests, which make two heads and a conflict with main."""
    origin = build_hostile_shop(tmp_path, "sqlite:///dev.db")
    origin.add(ONE, HEAD)
    open_pull(origin, github, 1)
    edit_revision(origin.project, HEAD)
    open_pull(origin, github, 2)
    origin.add(TWO, HEAD)
    edit_revision(origin.project, HEAD, add='op.execute("SELECT 2")')
    origin.commit()
    clone = tmp_path / "clone"
    run_git(origin.project, "clone", "-q", str(origin.path), str(clone))
    return replace(
        origin,
        project=replace(origin.project, path=clone),
        env={**origin.env, **github.env, **PUSH},
    )


def test_pull_requests_of_strangers(shop: HostileShop, github: GitHubServer) -> None:
    step = shop.run("heads", "--watch", "main", "--json", "-")
    assert step.code == 0, step.output
    assert [verdict["state"] for verdict in step.result] == ["failure", "failure"]
    told = [status for statuses in github.state.commit_statuses.values() for status in statuses]
    assert len(told) == 2
    assert not FORBIDDEN.search(json.dumps(told, ensure_ascii=False))
    assert shop.run("heads", "--watch", "main").code == 0


def test_a_github_that_answers_with_the_words_of_a_stranger(
    shop: HostileShop, github: GitHubServer
) -> None:
    github.outage = Answer(status=422, body=json.dumps({"message": STRANGER, "errors": [STRANGER]}))
    step = shop.run("heads", "--watch", "main")
    assert "octocat" in step.output
    assert step.code != 0, step.output


def test_a_merge_with_the_branch_of_a_stranger(shop: HostileShop) -> None:
    for number in (1, 2):
        argv = ("heads", "--against", f"origin/{BRANCH}{number}")
        assert shop.run(*argv).code == 3
        assert shop.run(*argv, "--json", "-").code == 3
    base = ("--base", f"origin/{BRANCH}1")
    assert shop.run("check", *base).code == 3
    assert shop.run("check", *base, "--json", "-").code == 3
    assert shop.run("heads", "--against", f"origin/{BRANCH}9").code == 2
