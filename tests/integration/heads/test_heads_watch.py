"""`ci-migrate heads --watch`: open pull requests of a local GitHub, checked against a base that moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.projects_builder import Project, build_repository, commit, run_git
from tests.projects_changes import add_revision, edit_revision
from tests.promotion import Ran, run_tool, write_config
from tests.servers.github import GitHubServer

pytestmark = pytest.mark.newest
CONTEXT = "ci-migrate/heads"


@pytest.fixture
def origin(tmp_path: Path) -> Project:
    """The repository at GitHub."""
    project = build_repository("linear", tmp_path / "origin", branches=("main",))
    write_config(project, {"dev": {"url": "${NOT_SET}", "branches": ["main"], "backup": "none"}})
    commit(project, "configure")
    return project


def open_pull(origin: Project, github: GitHubServer, branch: str) -> str:
    """Open a pull request from what is in the work tree, and return the commit of its head."""
    run_git(origin, "checkout", "-q", "-b", branch)
    sha = commit(origin, f"work on {branch}")
    number = github.state.add_pull(branch, sha, "main", title=branch)
    run_git(origin, "update-ref", f"refs/pull/{number}/head", sha)
    run_git(origin, "checkout", "-q", "main")
    run_git(origin, "branch", "-q", "-D", branch)
    return sha


def watch(origin: Project, github: GitHubServer, folder: Path) -> Ran:
    """Check the branch out as a runner does, with its history only, and watch."""
    run_git(origin, "clone", "-q", "--single-branch", "-b", "main", str(origin.path), str(folder))
    return run_tool(folder, "heads", "--watch", "main", env=github.env)


def statuses(github: GitHubServer, sha: str) -> list[tuple[str, str]]:
    found = github.state.commit_statuses.get(sha, [])
    assert {status["context"] for status in found} <= {CONTEXT}
    return [(status["state"], status["description"]) for status in found]


def test_a_base_that_moves_turns_green_pull_requests_red(
    origin: Project, github: GitHubServer, tmp_path: Path
) -> None:
    add_revision(origin, "aaaaaaaaaa01")
    one = open_pull(origin, github, "one")
    add_revision(origin, "bbbbbbbbbb02")
    two = open_pull(origin, github, "two")
    (origin.path / "README").write_text("words")
    words = open_pull(origin, github, "words")
    edit_revision(origin, origin.situation.heads[0])
    three = open_pull(origin, github, "three")

    ran = watch(origin, github, tmp_path / "first")
    assert ran.exit_code == 0, ran.output
    assert statuses(github, one) == [("success", "One head after a merge into main")]
    assert [s for s, _ in statuses(github, two)] == ["success"]
    assert statuses(github, words) == [("success", "It touches no revision")]

    run_git(origin, "merge", "-q", "--no-edit", one)
    edit_revision(origin, origin.situation.heads[0], add='op.execute("SELECT 2")')
    commit(origin, "edit the same revision")
    ran = watch(origin, github, tmp_path / "second")
    assert ran.exit_code == 0, ran.output
    state, description = statuses(github, two)[0]
    assert state == "failure"
    assert "2 heads after a merge into main: aaaaaaaaaa01, bbbbbbbbbb02" in description
    assert statuses(github, three)[0][0] == "failure"
    assert "conflicts with main" in statuses(github, three)[0][1]
    assert {item["number"]: item["state"] for item in ran.result} == {
        101: "success", 102: "failure", 103: "success", 104: "failure",
    }  # fmt: skip
    assert "#102 failure" in ran.output

    again = watch(origin, github, tmp_path / "third")
    assert [item["told"] for item in again.result] == [False] * 4, "the same stands there"
    assert len(statuses(github, two)) == 2


def test_a_new_pull_request_gets_its_status_at_once(
    origin: Project, github: GitHubServer, tmp_path: Path
) -> None:
    """By the run of the pull request itself, whose checkout is its merge."""
    add_revision(origin, "aaaaaaaaaa01")
    one = open_pull(origin, github, "one")
    add_revision(origin, "bbbbbbbbbb02")
    commit(origin, "another one on main")
    folder = tmp_path / "clone"
    run_git(origin, "clone", "-q", str(origin.path), str(folder))
    clone = replace(origin, path=folder)
    run_git(clone, "fetch", "-q", "origin", one)
    run_git(clone, "checkout", "-q", "--detach")
    run_git(clone, "merge", "-q", "--no-edit", one)
    event = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": "refs/pull/101/merge",
        "GITHUB_BASE_REF": "main",
    }
    ran = run_tool(folder, "heads", "--watch", env={**github.env, **event})
    assert ran.exit_code == 0, ran.output
    state, description = statuses(github, one)[0]
    assert (state, "2 heads after a merge into main" in description) == ("failure", True)


def test_heads_of_the_base_are_not_the_fault_of_a_pull_request(
    origin: Project, github: GitHubServer, tmp_path: Path
) -> None:
    add_revision(origin, "aaaaaaaaaa01")
    add_revision(origin, "bbbbbbbbbb02")
    commit(origin, "two heads on main")
    add_revision(origin, "cccccccccc03", after="aaaaaaaaaa01")
    more = open_pull(origin, github, "more")
    add_revision(origin, "dddddddddd04", after=("aaaaaaaaaa01", "bbbbbbbbbb02"))
    merge = open_pull(origin, github, "merge")
    ran = watch(origin, github, tmp_path / "clone")
    assert ran.exit_code == 0, ran.output
    assert statuses(github, merge)[0] == ("success", "One head after a merge into main")
    assert statuses(github, more)[0][0] == "failure", "one of the heads is now its own"


def test_a_pull_request_whose_commits_are_gone_is_an_error_of_its_own(
    origin: Project, github: GitHubServer, tmp_path: Path
) -> None:
    add_revision(origin, "aaaaaaaaaa01")
    good = open_pull(origin, github, "good")
    gone = "d" * 40
    github.state.add_pull("gone", gone, "main")
    ran = watch(origin, github, tmp_path / "clone")
    assert ran.exit_code == 0, ran.output
    assert statuses(github, good)[0][0] == "success"
    assert statuses(github, gone)[0][0] == "error"


def test_a_token_that_may_not_set_a_status_says_what_is_missing(
    origin: Project, github: GitHubServer, tmp_path: Path
) -> None:
    add_revision(origin, "aaaaaaaaaa01")
    open_pull(origin, github, "one")
    del github.permissions["statuses"]
    ran = watch(origin, github, tmp_path / "clone")
    assert ran.exit_code == 3, ran.output
    assert "statuses: write" in ran.output
