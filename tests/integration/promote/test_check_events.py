"""`check` under the events of GitHub: which commit counts as the one before, whatever is checked out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, message
from tests.projects_builder import commit, find_revision, run_git
from tests.projects_changes import add_revision, edit_revision
from tests.promotion import Ran

pytestmark = pytest.mark.newest


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop with a branch `topic`: its first commit edits a revision, its second adds one."""
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    commit(shop.project, "Add the configuration")
    run_git(shop.project, "branch", "-f", "main")
    run_git(shop.project, "checkout", "-q", "-b", "topic")
    edit_revision(shop.project, shop.project.situation.heads[0])
    commit(shop.project, "Edit what is merged")
    add_revision(shop.project, "c0ffee000001")
    commit(shop.project, "Add a revision")
    return Shop(project=shop.project, urls=shop.urls)


def check(shop: Shop, name: str, payload: Mapping[str, object], **env: str) -> Ran:
    event = shop.path.parent / "event.json"
    event.write_text(json.dumps(payload), "utf-8")
    given = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SHA": run_git(shop.project, "rev-parse", "main"),
        **env,
    }
    return shop.run("check", env=given)


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
@pytest.mark.parametrize("is_merged", [False, True])
def test_a_later_push_to_a_pull_request_does_not_hide_the_earlier_one(
    shop: Shop, name: str, is_merged: bool
) -> None:
    before = run_git(shop.project, "rev-parse", "topic~1")
    if is_merged:  # the author took over what the base got meanwhile
        run_git(shop.project, "checkout", "-q", "main")
        (shop.path / "notes.txt").write_text("new", "utf-8")
        commit(shop.project, "Something else")
        run_git(shop.project, "checkout", "-q", "topic")
        run_git(shop.project, "merge", "-q", "--no-edit", "main")
    payload = {"action": "synchronize", "before": before, "pull_request": {"number": 7}}
    ref = "refs/pull/7/merge" if name == "pull_request" else "refs/heads/main"
    ran = check(shop, name, payload, GITHUB_REF=ref, GITHUB_BASE_REF="main")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "'add users display name' was edited" in message(ran, "history")
    assert "compared with" not in message(ran, "history") or "left main" in message(ran, "history")


def test_a_merge_group_is_compared_with_the_commit_below_it(shop: Shop) -> None:
    below = run_git(shop.project, "rev-parse", "topic~1")
    ref = "refs/heads/gh-readonly-queue/main/pr-7-abc"
    payload = {"merge_group": {"base_sha": below}}
    ran = check(shop, "merge_group", payload, GITHUB_REF=ref)
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert f"what this branch was before, {below[:12]}" in message(ran, "history")
    below = run_git(shop.project, "rev-parse", "main")
    ran = check(shop, "merge_group", {"merge_group": {"base_sha": below}}, GITHUB_REF=ref)
    assert ran.exit_code == 3


def test_a_forced_push_whose_old_tip_nobody_has_is_compared_as_a_branch_and_says_so(
    shop: Shop,
) -> None:
    payload = {"before": "d" * 40, "repository": {"default_branch": "main"}}
    run_git(shop.project, "reset", "-q", "--hard", "main")
    ran = check(shop, "push", payload, GITHUB_REF="refs/heads/topic")
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert "where this branch left main" in message(ran, "history")
    assert any("git does not have dddddddddddd here" in text for text in ran.result["warnings"])
    # On the default branch itself nothing else is left to compare with.
    run_git(shop.project, "checkout", "-q", "main")
    ran = check(shop, "push", payload, GITHUB_REF="refs/heads/main")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "it cannot be told whether revisions were rewritten" in message(ran, "history")


def test_a_revision_that_is_edited_while_its_folder_moves_is_found(shop: Shop) -> None:
    first = shop.project.situation.heads[0]
    run_git(shop.project, "reset", "-q", "--hard", "main")
    folder = find_revision(shop.project, first).parents[1].name
    (shop.path / "db").mkdir()
    run_git(shop.project, "mv", folder, f"db/{folder}")
    ini = shop.path / "alembic.ini"
    text = ini.read_text("utf-8")
    ini.write_text(text.replace(f"script_location = {folder}", f"script_location = db/{folder}"))
    commit(shop.project, "Move the folder")
    moved = shop.run("check", "--base", "main")
    assert (moved.outcome, moved.exit_code) == ("ready", 0), moved.output

    edit_revision(shop.project, first)
    commit(shop.project, "Edit what is merged")
    ran = shop.run("check", "--base", "main")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "'add users display name' was edited" in message(ran, "history")
    find_revision(shop.project, first).unlink()
    commit(shop.project, "Delete it")
    ran = shop.run("check", "--base", "main")
    assert "'add users display name' was deleted" in message(ran, "history")


def test_a_folder_of_another_project_may_go(shop: Shop) -> None:
    other = shop.path / "other" / "versions"
    other.mkdir(parents=True)
    run_git(shop.project, "checkout", "-q", "main")
    other.mkdir(parents=True, exist_ok=True)
    (other / "dddd_start.py").write_text('revision = "dddd"\ndown_revision = None\n', "utf-8")
    commit(shop.project, "Another service")
    run_git(shop.project, "checkout", "-q", "-B", "tidy")
    (other / "dddd_start.py").unlink()
    commit(shop.project, "It is gone")
    ran = shop.run("check", "--base", "main")
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
