"""From dev over staging to production, by branch: the order is held by what really ran."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.promote.shop import build_shop, gates, message
from tests.projects_builder import commit
from tests.projects_changes import add_revision, add_second_head, edit_revision, reformat_revision
from tests.projects_plain import BIN, write_ini_url

pytestmark = pytest.mark.newest


def test_production_takes_only_what_staging_executed(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    head = shop.project.situation.heads[0]

    early = shop.promote("staging")
    assert (early.outcome, early.exit_code) == ("blocked", 3), early.output
    assert {name for name, outcome in gates(early).items() if outcome == "failed"} == {"order"}
    assert "its ledger: dev has no record there yet" in message(early, "order")
    assert not shop.file("staging").exists()

    for name in ("dev", "staging", "production"):
        ran = shop.promote(name)
        assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
        assert ran.result["environment"] == name
        assert shop.rows(name) == [head]

    assert message(ran, "order") == "staging executed all 3, with the same content"


def test_a_revision_that_was_edited_on_the_way_is_another_one(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    head = shop.project.situation.heads[0]
    assert shop.promote("dev").outcome == "promoted"

    edit_revision(shop.project, head)
    blocked = shop.promote("staging")
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert f"dev has not executed {head}" in message(blocked, "order")
    assert "it ran another version of that file on" in message(blocked, "order")
    assert not shop.file("staging").exists()


def test_a_revision_that_was_only_formatted_anew_is_the_same(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    assert shop.promote("dev").outcome == "promoted"
    reformat_revision(shop.project, shop.project.situation.heads[0])
    passed = shop.promote("staging")
    assert passed.outcome == "promoted", passed.output


def test_a_stamp_is_no_proof(tmp_path: Path) -> None:
    """The rows of dev say head, but its ledger has seen nothing run."""
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    write_ini_url(shop.project, shop.urls["dev"])
    head = shop.project.situation.heads[0]
    stamp = [BIN / "alembic", "stamp", "head"]
    subprocess.run(stamp, cwd=shop.path, check=True, capture_output=True)
    assert shop.rows("dev") == [head]
    blocked = shop.promote("staging")
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert "its ledger: dev has no record there yet" in message(blocked, "order")


def test_the_environment_before_has_to_be_known(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    blocked = shop.promote("staging", DEV_URL="")
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert "DEV_URL" in message(blocked, "order")


def test_two_heads_are_blocked_and_the_database_is_not_touched(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    head = shop.project.situation.heads[0]
    assert shop.promote("dev").outcome == "promoted"
    before = shop.file("dev").read_bytes()

    file = add_second_head(shop.project)
    commit(shop.project, "Add a second head")
    blocked = shop.promote("dev")
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert gates(blocked)["heads"] == "failed"
    assert shop.file("dev").read_bytes() == before
    heads = " ".join(sorted(["5ec04d4ead01", head]))
    assert f'alembic merge -m "merge heads" {heads}' in blocked.output
    assert file.name in blocked.output
    assert "added by tests on " in blocked.output
    assert blocked.result["backup"] is None


@pytest.mark.slow
def test_what_comes_later_is_promoted_on_its_own(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": {"keep": 2}})
    folder = shop.path / ".ci-migrate/backups"
    assert shop.promote("dev").outcome == "promoted"
    after = shop.project.situation.heads[0]
    for number in range(3):
        revision = f"{number}00000000abc"
        add_revision(shop.project, revision, after=after)
        ran = shop.promote("dev")
        assert ran.outcome == "promoted", ran.output
        assert [item["revision"] for item in ran.result["applied"]] == [revision]
        assert ran.result["from"] == [after]
        after = revision
    archives = [file for file in folder.iterdir() if file.suffix not in {".json", ""}]
    assert len(archives) == 2, sorted(folder.iterdir())
    assert Path(ran.result["backup"]["location"]).name in {file.name for file in archives}
