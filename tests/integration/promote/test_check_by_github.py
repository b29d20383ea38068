"""`check` in a shallow checkout that has no login for git: GitHub's API tells what came before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, message
from tests.projects_builder import Project, commit, find_revision, run_git
from tests.projects_changes import (
    add_revision,
    delete_revision,
    edit_revision,
    reformat_revision,
)
from tests.promotion import Ran, run_tool
from tests.servers.github import TOKEN, GitHubServer

pytestmark = pytest.mark.newest
FIRST, LAST = "8f67280c2894", "5c00753421f7"


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A repository at GitHub, and the checkouts that a runner makes of it."""

    project: Project
    github: GitHubServer
    folder: Path

    def check(
        self,
        ref: str,
        event: Mapping[str, object],
        *,
        depth: int = 1,
        name: str = "push",
        **env: str,
    ) -> Ran:
        """Check out a ref as shallow as told, and run `check` there without a way to the remote."""
        where = self.folder / f"checkout-{len(list(self.folder.iterdir()))}"
        git = ["clone", "-q", f"--depth={depth}", "--branch", ref, f"file://{self.project.path}"]
        run_git(self.project, *git, str(where))
        run_git(replace(self.project, path=where), "remote", "set-url", "origin", "file:///nowhere")
        payload = self.folder / "event.json"
        payload.write_text(json.dumps(event), "utf-8")
        given = {
            **self.github.env,
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_SHA": run_git(self.project, "rev-parse", ref),
            "GITHUB_REF": "refs/pull/7/merge" if name == "pull_request" else f"refs/heads/{ref}",
            "GITHUB_BASE_REF": "main" if name == "pull_request" else "",
            **env,
        }
        return run_tool(where, "check", env=given)

    def propose(self, **env: str) -> Ran:
        """Commit what changed to `topic`, and check the merge that GitHub makes of it."""
        commit(self.project, "Change")
        run_git(self.project, "checkout", "-q", "-B", "merge", "main")
        run_git(self.project, "merge", "-q", "--no-ff", "--no-edit", "topic")
        run_git(self.project, "checkout", "-q", "topic")
        return self.check("merge", {"pull_request": {}}, name="pull_request", **env)

    def asked(self) -> list[str]:
        """Return the paths whose content was asked for."""
        start = f"/repos/{self.github.state.repository}/contents/"
        paths = [request.path for request in self.github.requests]
        return [path.removeprefix(start) for path in paths if path.startswith(start)]


@pytest.fixture
def remote(tmp_path: Path, github: GitHubServer) -> Remote:
    shop: Shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    commit(shop.project, "Add the configuration")
    run_git(shop.project, "branch", "-f", "main")
    run_git(shop.project, "checkout", "-q", "-b", "topic")
    github.state.folder = shop.path
    (tmp_path / "runner").mkdir()
    return Remote(project=shop.project, github=github, folder=tmp_path / "runner")


def test_an_edit_is_found_and_only_what_changed_is_asked_for(remote: Remote) -> None:
    file = edit_revision(remote.project, LAST)
    add_revision(remote.project, "c0ffee000001")
    ran = remote.propose()
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    said = message(ran, "history")
    assert f"{LAST} 'add users display name' was edited" in said
    assert '    +    op.execute("SELECT 1")' in said
    names = sorted(path.rpartition("/")[2] for path in remote.asked())
    assert names == sorted([file.name, "c0ffee000001_added.py"])
    assert TOKEN not in ran.output


def test_new_revisions_and_new_clothes_are_in_order(remote: Remote) -> None:
    add_revision(remote.project, "c0ffee000001")
    reformat_revision(remote.project, LAST)
    file = find_revision(remote.project, LAST)
    file.rename(file.with_name(f"{LAST}_renamed.py"))
    ran = remote.propose()
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert "compared with the base of this pull request" in message(ran, "history")
    assert "by GitHub's API" in message(ran, "history")


@pytest.mark.slow
def test_a_helper_module_of_the_base_counts(remote: Remote) -> None:
    naming = remote.project.path / "naming.py"
    naming.write_text("def table():\n    return 'one'\n", "utf-8")
    upgrade = "from naming import table\nop.create_table(table(), sa.Column('id', sa.Integer()))"
    add_revision(remote.project, "c0ffee000001", upgrade=upgrade)
    commit(remote.project, "Use a helper")
    run_git(remote.project, "branch", "-f", "main")
    naming.write_text("def table():\n    return 'two'\n", "utf-8")
    ran = remote.propose()
    assert "c0ffee000001" in message(ran, "history"), ran.output
    assert ran.exit_code == 3


def test_a_forced_push_is_compared_with_what_it_threw_away(remote: Remote) -> None:
    add_revision(remote.project, "c0ffee000001")
    before = commit(remote.project, "Add one")
    run_git(remote.project, "reset", "-q", "--hard", "main")
    edit_revision(remote.project, FIRST)
    commit(remote.project, "Begin anew")
    ran = remote.check("topic", {"before": before, "forced": True})
    said = message(ran, "history")
    assert "c0ffee000001 'create table_c0ffee000001' was deleted" in said, ran.output
    assert f"{FIRST} 'create users' was edited" in said


@pytest.mark.slow
def test_a_new_branch_is_compared_with_where_it_left_the_default_branch(remote: Remote) -> None:
    delete_revision(remote.project, LAST)
    commit(remote.project, "Delete")
    event = {"before": "0" * 40, "repository": {"default_branch": "main"}}
    ran = remote.check("topic", event)
    assert f"{LAST} 'add users display name' was deleted" in message(ran, "history"), ran.output


def test_a_project_in_a_folder_of_the_repository(remote: Remote) -> None:
    inner = remote.project.path / "services/shop"
    inner.mkdir(parents=True)
    for name in ("alembic.ini", "migrations", "ci-migrate.yml"):
        (remote.project.path / name).rename(inner / name)
    commit(remote.project, "Move")
    run_git(remote.project, "branch", "-f", "main")
    edit_revision(replace(remote.project, path=inner), LAST)
    ran = remote.propose(CI_MIGRATE_CONFIG="services/shop/ci-migrate.yml")
    assert f"{LAST} 'add users display name' was edited" in message(ran, "history"), ran.output


@pytest.mark.parametrize("branch", ["topic", "main"])
def test_without_a_token_nothing_passes_and_the_cure_is_told(remote: Remote, branch: str) -> None:
    before = run_git(remote.project, "rev-parse", "main")
    run_git(remote.project, "checkout", "-q", branch)
    edit_revision(remote.project, LAST)
    commit(remote.project, "Change")
    event = {"before": before, "repository": {"default_branch": "main"}}
    ran = remote.check(branch, event, GITHUB_TOKEN="")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "it cannot be told whether revisions were rewritten" in message(ran, "history")
    assert "GITHUB_TOKEN is not set" in message(ran, "history")
    assert "        fetch-depth: 0" in ran.output
    assert remote.github.requests == []


@pytest.mark.slow
def test_more_files_than_github_shows_do_not_pass(remote: Remote) -> None:
    for number in range(300):
        (remote.project.path / f"note-{number}.txt").write_text("note\n")
    edit_revision(remote.project, LAST)
    ran = remote.propose()
    assert ran.exit_code == 3
    assert "no more than 300 changed files" in message(ran, "history")


@pytest.mark.slow
def test_a_token_that_may_not_read_the_code_is_told(remote: Remote) -> None:
    remote.github.permissions["contents"] = "none"
    edit_revision(remote.project, LAST)
    ran = remote.propose()
    assert ran.exit_code == 3
    assert "the token may not do this" in message(ran, "history")
