"""A recovery that is killed before its first statement: what it was to undo is not forgotten."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import REACHED_SECONDS, promote
from tests.faults.sessions import transaction
from tests.faults.shop import HEAD, add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until
from tests.promotion import environment, run_tool, tool

HALF = (
    'op.create_table("half", sa.Column("id", sa.Integer()))\nraise RuntimeError("in the middle")\n'
)
WAITS = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'DROP TABLE%%'"


@pytest.mark.parametrize("ways", [("--undo",), ("--undo", "--undo")])
def test_what_was_left_stays_known(
    mariadb_stock: Stock, tmp_path: Path, ways: tuple[str, ...], record_fault: Record
) -> None:
    stock, shop = mariadb_stock, build_shop(tmp_path / "work")
    write_settings(shop)
    assert promote(shop, stock).outcome == "promoted"
    file = add_revision(shop, "r4", HEAD, HALF)
    first = promote(shop, stock)
    assert (first.outcome, first.exit_code) == ("partial", 6), first.output
    for way in ways:
        recover = [*tool(), "recover", "--environment", "dev", "--confirm", "dev", way]
        with transaction(stock, "SELECT * FROM half"):
            process = subprocess.Popen(
                recover,
                cwd=shop,
                env=environment({"CIM_URL": stock.url}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_until(lambda: stock.query(WAITS), REACHED_SECONDS, "the first statement")
            process.kill()
            process.wait()
            for row in stock.query(WAITS):  # or the server would go on once the table is free
                stock.execute(f"KILL {row[0]}")
    blocked = promote(shop, stock)
    assert blocked.exit_code == 3, blocked.output
    assert "of r4 there ran: CREATE TABLE half" in blocked.output
    # Of what is in the backups only that of the first run is from before.
    assert first.result["backup"]["location"] in blocked.output
    file.write_text(file.read_text("utf-8").replace("raise RuntimeError", "RuntimeError"), "utf-8")
    undone = run_tool(
        shop,
        "recover",
        "--environment",
        "dev",
        "--confirm",
        "dev",
        "--undo",
        env={"CIM_URL": stock.url},
    )
    assert undone.exit_code == 0, undone.output
    assert "1 statement of r4 undone" in undone.output
    assert stock.version() == "r4"
    record_fault(
        fault="SIGKILL of a recovery before its first statement",
        database=stock.name,
        outcome="blocked, then undone",
        lost=stock.count_lost(),
    )
