"""Revisions that an environment executed and whose files were changed since: the gate `history`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ci_migrate.revisions.content import content_hash
from tests.integration.promote.database import run_statements
from tests.integration.promote.shop import Shop, build_shop, gates, message
from tests.projects_builder import commit, find_revision, run_git
from tests.projects_changes import add_revision, edit_revision, reformat_revision
from tests.promotion import Ran

pytestmark = pytest.mark.newest


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop whose dev has executed everything."""
    found = build_shop(tmp_path / "shop", settings={"backup": "none"})
    ran = found.promote("dev")
    assert ran.outcome == "promoted", ran.output
    return found


def refused(ran: Ran) -> str:
    """Return what the gate said; the run must have been blocked by it alone."""
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert [name for name, outcome in gates(ran).items() if outcome == "failed"] == ["history"]
    return message(ran, "history")


def test_an_edited_revision_blocks_with_its_difference_and_where_it_ran(shop: Shop) -> None:
    head = shop.project.situation.heads[0]
    assert shop.promote("staging").outcome == "promoted"
    edit_revision(shop.project, head)
    commit(shop.project, "Change what ran")
    said = refused(shop.promote("dev"))
    assert f"{head} 'add users display name' was edited after it ran in dev (2" in said
    assert ", staging (2" in said
    assert "    by tests on 2" in said
    assert "    +" in said
    assert "production" not in said  # asked, and it has not executed anything
    assert (shop.rows("dev"), shop.rows("staging")) == ([head], [head])

    # Later revisions do not make it better, and one that cannot be asked is said.
    add_revision(shop.project, "c0ffee000001")
    said = refused(shop.promote("dev", STAGING_URL=""))
    assert "not asked, and so taken as if they had run it: staging (" in said


def test_what_changes_nothing_passes(shop: Shop) -> None:
    head = shop.project.situation.heads[0]
    reformat_revision(shop.project, head)
    file = find_revision(shop.project, head)
    file.rename(file.with_name(f"{head}_another_name.py"))
    ran = shop.promote("dev")
    assert ran.outcome == "nothing-to-do", ran.output


@pytest.mark.slow
def test_an_edit_with_a_reason_passes_and_is_told(shop: Shop) -> None:
    head = shop.project.situation.heads[0]
    edit_revision(shop.project, head)
    config = shop.path / "ci-migrate.yml"
    allowed = f'"allow_edit": [{{"revision": "{head}", "reason": "a typo in a name"}}]'
    text = config.read_text("utf-8")
    assert '"migrations": {' in text
    text = text.replace('"migrations": {', f'"migrations": {{{allowed},', 1)
    config.write_text(text.replace(",}", "}"), "utf-8")
    ran = shop.promote("dev")
    assert ran.outcome == "nothing-to-do", ran.output
    assert f"{head} was edited, which is allowed: a typo in a name" in message(ran, "history")


def test_what_no_environment_executed_may_be_edited(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    edit_revision(shop.project, shop.project.situation.heads[0])
    assert shop.promote("dev").outcome == "promoted"


def test_a_deleted_revision_in_the_middle_and_its_child(shop: Shop) -> None:
    """The usual clean-up: the file goes, and the one after it is hung on the one before."""
    first, middle, last = (rev for rev in order(shop))
    find_revision(shop.project, middle).unlink()
    file = find_revision(shop.project, last)
    file.write_text(file.read_text("utf-8").replace(middle, first), "utf-8")
    said = refused(shop.promote("dev"))
    assert f"{middle} 'create orders' was deleted after it ran in dev" in said
    assert "was re-parented after it ran in dev" in said
    assert f"it followed {middle}, and now follows {first}" in said


def test_a_deleted_head_is_told_with_who_deleted_it(shop: Shop) -> None:
    last = order(shop)[-1]
    find_revision(shop.project, last).unlink()
    commit(shop.project, "Clean up")
    ran = shop.promote("dev")
    said = refused(ran)
    assert f"the database is at {last}, which no revision file of this branch has" in said
    assert f"{last} 'add users display name' was deleted after it ran in dev (2" in said
    assert "    by tests on 2" in said
    assert f"in {run_git(shop.project, 'rev-parse', '--short', 'HEAD')}" in said


@pytest.mark.slow
def test_a_helper_module_that_changed_is_noticed(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    helper = shop.path / "naming.py"
    helper.write_text("def table():\n    return 'made_by_helper'\n", "utf-8")
    revision = add_revision(
        shop.project,
        "c0ffee000001",
        upgrade="from naming import table\nop.create_table(table(), sa.Column('id', sa.Integer()))",
    )
    assert "from naming import table" in revision.read_text("utf-8")
    ran = shop.promote("dev")
    assert ran.outcome == "promoted", ran.output
    helper.write_text("def table():\n    return 'another'\n\n\ndef unused():\n    pass\n", "utf-8")
    said = refused(shop.promote("dev"))
    assert "c0ffee000001" in said
    assert "was changed through a module that it uses after it ran in dev" in said
    assert "naming.py not committed yet" in said
    helper.write_text("# licence\ndef table():\n    return 'made_by_helper'\n", "utf-8")
    assert shop.promote("dev").outcome == "nothing-to-do"
    # A record of before helpers counted is compared by what it knew.
    helper.write_text("def table():\n    return 'another'\n", "utf-8")
    former = content_hash(revision.read_text("utf-8"))
    update = (
        f"UPDATE ci_migrate_ledger SET content_hash = '{former}' WHERE revision = 'c0ffee000001'"
    )
    run_statements(shop.urls["dev"], [update])
    assert shop.promote("dev").outcome == "nothing-to-do"


def order(shop: Shop) -> list[str]:
    """Return the revisions of dev in the order in which they ran."""
    rows = shop.query(
        "dev", "SELECT revision FROM ci_migrate_ledger WHERE kind = 'revision' ORDER BY id"
    )
    return [str(row[0]) for row in rows]


def test_what_ran_before_there_was_a_ledger_is_known_by_the_push(
    tmp_path: Path, shop: Shop
) -> None:
    head = shop.project.situation.heads[0]
    commit(shop.project, "Add the configuration")
    before = run_git(shop.project, "rev-parse", "HEAD")
    run_statements(shop.urls["dev"], ["DELETE FROM ci_migrate_ledger"])
    edit_revision(shop.project, head)
    commit(shop.project, "Change what ran")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"before": before, "deleted": False}), "utf-8")
    pushed = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF": "refs/heads/dev",
    }
    said = refused(shop.run("promote", env=pushed))
    assert (
        f"{head} 'add users display name' was edited after it ran in dev (before its ledger)"
        in said
    )
