"""Proof and history on MariaDB and PostgreSQL: what the tests beside this one show in detail on SQLite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_rows, read_tables
from tests.integration.promote.shop import NAMES, Shop, build_shop, gates, message
from tests.projects_builder import commit, find_revision, run_git
from tests.projects_changes import add_revision, edit_revision
from tests.servers.mariadb import MariadbServer

pytestmark = [pytest.mark.newest, pytest.mark.slow]
HEAD, NEW = "5c00753421f7", "c0ffee000001"


@pytest.fixture(params=["mariadb", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """A shop on three databases of a server, promoted to its heads in dev and staging."""
    server = request.getfixturevalue(request.param)
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    commit(shop.project, "Add the configuration")
    urls = {name: server.create_database() for name in NAMES}
    env = {f"{name.upper()}_URL": url for name, url in urls.items()}
    shop = replace(shop, urls=urls, env=env)
    for branch in ("dev", "staging"):
        ran = shop.promote(branch)
        assert ran.outcome == "promoted", ran.output
    return shop


def test_only_what_ran_with_this_content_is_taken(shop: Shop) -> None:
    long = "# " + "ä line of 40 characters, with an umlaut\n# " * 4_000
    file = add_revision(shop.project, NEW)
    file.write_text(f"{long}\n{file.read_text()}", "utf-8")
    refused = shop.promote("staging")
    assert f"dev has not executed {NEW}" in message(refused, "order")
    assert shop.promote("dev").outcome == "promoted"
    edit_revision(shop.project, NEW)
    refused = shop.promote("staging")
    assert "it ran another version of that file" in message(refused, "order")
    run_git(shop.project, "checkout", "-q", "dev")
    history = shop.promote("dev")
    said = message(history, "history")
    assert f"{NEW} 'create table_{NEW}' was edited after it ran in dev (2" in said
    assert '    +    op.execute("SELECT 1")' in said

    file.unlink()
    gone = shop.run("promote", "--environment", "dev")
    assert f"the database is at {NEW}, which no revision file" in message(gone, "history")
    back = shop.run("recover", "--environment", "dev", "--restore-file")
    assert back.exit_code == 0, back.output
    assert "an umlaut" in find_revision(shop.project, NEW).read_text("utf-8")
    assert shop.promote("staging").outcome == "promoted"


def test_what_was_rolled_back_is_no_proof_and_is_held(shop: Shop) -> None:
    back = shop.run("rollback", "--environment", "staging", "--expect", HEAD)
    assert back.outcome == "rolled-back", back.output
    refused = shop.promote("production")
    assert f"staging has not executed {HEAD}" in message(refused, "order")
    assert gates(shop.promote("staging"))["held"] == "failed"
    [place] = shop.run("status", "--environment", "staging").result
    assert [(held["revision"], held["state"]) for held in place["held"]] == [(HEAD, "blocks")]
    assert shop.run("promote", "--environment", "staging", "--reapply").outcome == "promoted"
    assert shop.promote("production").outcome == "promoted"
    assert read_rows(shop.urls["production"], shop.project.situation) == [HEAD]


def test_a_role_that_may_only_read_is_enough_on_mariadb(
    tmp_path: Path, mariadb: MariadbServer
) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    dev, staging = mariadb.create_database(), mariadb.create_database()
    shop = replace(shop, env={"DEV_URL": dev, "STAGING_URL": staging})
    assert shop.promote("dev").outcome == "promoted"
    name = dev.partition("?")[0].rpartition("/")[2]
    mariadb.create_role("ledger_reader", "only reads")
    mariadb.run_sql(f"GRANT SELECT ON {name}.ci_migrate_ledger TO ledger_reader")
    reading = mariadb.tcp_url(name, role="ledger_reader", password="only reads")
    ran = shop.promote("staging", DEV_URL=reading)
    assert ran.outcome == "promoted", ran.output
    assert message(ran, "order") == "dev executed all 3, with the same content"
    assert "orders" in read_tables(staging)
    with pytest.raises(Exception, match="denied"):
        query(reading, "SELECT * FROM users")
