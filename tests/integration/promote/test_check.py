"""`check`: what a branch does to the revisions, told from files and git, and by databases only where they are named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, gates, message
from tests.projects_builder import commit, find_revision, run_git
from tests.projects_changes import add_revision, add_second_head, edit_revision, reformat_revision
from tests.promotion import Ran

pytestmark = pytest.mark.newest


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop with a branch `topic` that leaves main; no database is there, and no URL is known."""
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    commit(shop.project, "Add the configuration")
    run_git(shop.project, "branch", "-f", "main")
    run_git(shop.project, "checkout", "-q", "-b", "topic")
    return Shop(project=shop.project, urls=shop.urls)


def urls(shop: Shop) -> dict[str, str]:
    return {f"{name.upper()}_URL": url for name, url in shop.urls.items()}


def check(shop: Shop, subject: str = "Change", **env: str) -> Ran:
    commit(shop.project, subject)
    return shop.run("check", "--base", "main", env=env)


def test_new_revisions_and_new_clothes_are_in_order(shop: Shop) -> None:
    head = shop.project.situation.heads[0]
    add_revision(shop.project, "c0ffee000001")
    reformat_revision(shop.project, head)
    file = find_revision(shop.project, head)
    file.rename(file.with_name(f"{head}_renamed.py"))
    ran = check(shop)
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert ran.result["command"] == "check"
    assert ran.result["environment"] is None
    assert "4 revisions, rows are known; compared with where this branch left main" in message(
        ran, "history"
    )
    assert "IN ORDER, at c0ffee000001" in ran.output
    assert not list(shop.path.glob("*.db"))


def test_an_edit_is_refused_while_nobody_can_tell_that_it_did_not_run(
    shop: Shop, tmp_path: Path
) -> None:
    head = shop.project.situation.heads[0]
    file = edit_revision(shop.project, head)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {}}), "utf-8")
    ran = check(
        shop,
        GITHUB_ACTIONS="true",
        GITHUB_EVENT_NAME="pull_request",
        GITHUB_EVENT_PATH=str(event),
        GITHUB_REF="refs/pull/7/merge",
        GITHUB_BASE_REF="main",
        GITHUB_WORKSPACE=str(shop.path),
    )
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    said = message(ran, "history")
    assert f"{head} 'add users display name' was edited" in said
    assert '    +    op.execute("SELECT 1")' in said
    assert "by tests on 2" in said
    assert "not asked, and so taken as if they had run it: dev (" in said
    assert f"::error file={file.relative_to(shop.path).as_posix()},title=" in ran.output


def test_an_edit_passes_where_no_environment_executed_the_revision(shop: Shop) -> None:
    head = shop.project.situation.heads[0]
    edit_revision(shop.project, head)
    ran = check(shop, **urls(shop))
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert f"{head} was edited; no environment has executed it" in message(ran, "history")

    run_git(shop.project, "stash", "-q", "--include-untracked")
    run_git(shop.project, "checkout", "-q", "main")
    assert shop.run("promote", "--environment", "dev", env=urls(shop)).outcome == "promoted"
    run_git(shop.project, "checkout", "-q", "topic")
    ran = check(shop, **urls(shop))
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "was edited after it ran in dev (2" in message(ran, "history")


def test_deleted_and_moved_revisions_and_two_heads(shop: Shop) -> None:
    head = shop.project.situation.heads[0]
    find_revision(shop.project, head).unlink()
    ran = check(shop)
    assert gates(ran) == {"history": "failed", "heads": "passed"}
    assert f"{head} 'add users display name' was deleted" in message(ran, "history")

    run_git(shop.project, "reset", "-q", "--hard", "main")
    add_second_head(shop.project)
    ran = check(shop)
    assert (ran.exit_code, gates(ran)) == (3, {"history": "passed", "heads": "failed"})


def test_a_helper_module_of_the_base_counts(shop: Shop) -> None:
    naming = shop.path / "naming.py"
    naming.write_text("def table():\n    return 'one'\n", "utf-8")
    upgrade = "from naming import table\nop.create_table(table(), sa.Column('id', sa.Integer()))"
    add_revision(shop.project, "c0ffee000001", upgrade=upgrade)
    commit(shop.project, "Use a helper")
    run_git(shop.project, "branch", "-f", "main")
    naming.write_text("def table():\n    return 'one'\n\n\ndef more():\n    return 1\n", "utf-8")
    assert check(shop).exit_code == 0
    naming.write_text("def table():\n    return 'two'\n", "utf-8")
    ran = check(shop)
    assert ran.exit_code == 3
    assert "c0ffee000001" in message(ran, "history")
    assert "naming.py by tests on 2" in message(ran, "history")


def test_a_shallow_checkout_that_cannot_be_completed_does_not_pass(
    shop: Shop, tmp_path: Path
) -> None:
    edit_revision(shop.project, shop.project.situation.heads[0])
    commit(shop.project, "Change")
    folder = tmp_path / "shallow"
    source = f"file://{shop.path}"
    run_git(shop.project, "clone", "-q", "--depth=1", "--branch=topic", source, str(folder))
    clone = replace(shop.project, path=folder)
    run_git(clone, "remote", "set-url", "origin", "file:///nowhere")
    ran = Shop(project=clone, urls={}).run("check", "--base", "origin/main")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "it cannot be told whether revisions were rewritten" in message(ran, "history")
