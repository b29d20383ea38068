"""`check` and what environments have executed: their ledgers, their databases, and their records elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, gates, message
from tests.projects_builder import commit, run_git
from tests.projects_changes import edit_revision
from tests.promotion import Ran
from tests.servers.github import GitHubServer

pytestmark = pytest.mark.newest


def branch_off(shop: Shop) -> None:
    with (shop.path / ".gitignore").open("a", encoding="utf-8") as ignored:
        ignored.write("*.db\n.ci-migrate*\n")
    commit(shop.project, "Add the configuration")
    run_git(shop.project, "branch", "-f", "main")
    run_git(shop.project, "checkout", "-q", "-b", "topic")


def check(shop: Shop, **env: str) -> Ran:
    return shop.run("check", "--base", "main", env=env)


def test_main_with_a_rewritten_revision_and_the_branch_that_brings_it_back(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    branch_off(shop)
    head = shop.project.situation.heads[0]
    assert shop.promote("dev").outcome == "promoted"
    file = edit_revision(shop.project, head)
    commit(shop.project, "Edit what ran")
    run_git(shop.project, "branch", "-f", "main")
    run_git(shop.project, "checkout", "-q", "-B", "topic")
    assert "was edited after it ran in dev" in message(
        shop.run("plan", "--environment", "dev"), "history"
    )

    # A branch that leaves it as it is does not pass, and is told that it is not its doing.
    (shop.path / "README.md").write_text("new", "utf-8")
    commit(shop.project, "Something else")
    ran = check(shop)
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert f"{head} 'add users display name' was edited after it ran in dev (2" in message(
        ran, "history"
    )
    assert "not by this branch: it was so already" in message(ran, "history")

    # The one that brings the old content back does.
    run_git(shop.project, "checkout", "-q", "main~1", "--", str(file))
    commit(shop.project, "Bring it back")
    ran = check(shop)
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert f"{head} was edited, and is what ran in dev (2" in message(ran, "history")
    assert shop.run("plan", "--environment", "dev").exit_code == 0

    # Not where another environment ran what it replaces.
    run_git(shop.project, "checkout", "-q", "main")
    made = shop.run(
        "promote", "--environment", "staging", "--override", "order", "--reason", "test"
    )
    assert made.outcome == "promoted", made.output
    run_git(shop.project, "checkout", "-q", "topic")
    ran = check(shop)
    assert ran.exit_code == 3, ran.output
    assert "was edited after it ran in staging (2" in message(ran, "history")
    assert "what it says now ran in dev (2" in message(ran, "history")


def test_what_a_database_has_without_a_record_counts_as_executed(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    branch_off(shop)
    assert shop.promote("dev").outcome == "promoted"
    run_git(shop.project, "checkout", "-q", "topic")
    import sqlite3

    with sqlite3.connect(shop.file("dev")) as connection:
        connection.execute("DROP TABLE ci_migrate_ledger")
    edit_revision(shop.project, shop.project.situation.heads[0])
    commit(shop.project, "Edit what ran by hand")
    ran = check(shop)
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "was edited after it ran in dev (before its ledger)" in message(ran, "history")
    assert "staging" not in message(ran, "history")


def test_a_record_at_github_allows_the_edit_of_what_ran_nowhere(
    tmp_path: Path, github: GitHubServer
) -> None:
    settings = {"backup": "none", "evidence": ["github"]}
    shop = build_shop(tmp_path / "shop", settings=settings)
    branch_off(shop)
    github.state.folder = shop.path
    head = shop.project.situation.heads[0]
    edit_revision(shop.project, head)
    commit(shop.project, "Edit")
    unknown = {f"{name.upper()}_URL": "" for name in shop.urls}
    ran = check(shop, **github.env, **unknown)
    said = message(ran, "history")
    assert "not asked, and so taken as if they had run it: dev (" in said
    assert "github: dev has no record there yet" in said

    run_git(shop.project, "checkout", "-q", "main")
    for name in ("dev", "staging"):
        ran = shop.run("promote", "--environment", name, env=github.env)
        assert ran.outcome == "promoted", ran.output
    run_git(shop.project, "checkout", "-q", "topic")
    said = message(check(shop, **github.env, **unknown), "history")
    assert "was edited after it ran in dev (2" in said
    assert ", staging (2" in said
    assert "production (" in said  # nobody asks GitHub about the last one

    run_git(shop.project, "checkout", "-q", "main")
    taken = shop.run("rollback", "--environment", "staging", "--expect", head, env=github.env)
    assert taken.outcome == "rolled-back", taken.output
    taken = shop.run("rollback", "--environment", "dev", "--expect", head, env=github.env)
    assert taken.outcome == "rolled-back", taken.output
    run_git(shop.project, "checkout", "-q", "topic")
    ran = check(shop, **github.env, **{**unknown, "PRODUCTION_URL": shop.urls["production"]})
    assert gates(ran)["history"] == "passed", ran.output
    assert f"{head} was edited; no environment has executed it" in message(ran, "history")
