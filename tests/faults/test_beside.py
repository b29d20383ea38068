"""A stop while a session works that is not env.py's: nothing comes into the database after we called it unchanged."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import REACHED_SECONDS, Running, promote
from tests.faults.sessions import transaction
from tests.faults.shop import HEAD, add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until

LIMIT_SECONDS = 14.0
"""After the last statement would have ended by itself."""
SLOW = {
    "postgresql": "INSERT INTO journal (what) SELECT 'late' FROM pg_sleep(12)",
    "mysql": "INSERT INTO journal (what) SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
}
WORKS = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO journal%%'",
    "mysql": "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'INSERT INTO journal%%'",
}
OWN = """
import os
import sqlalchemy as sa
engine = sa.create_engine(os.environ["OWN_URL"], isolation_level="AUTOCOMMIT")
print("begun", flush=True)
engine.raw_connection().cursor().execute("{statement}")
"""


def test_stopped_in_a_statement_of_the_projects_own_command(
    any_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    stock = any_stock
    shop = build_shop(tmp_path / "work")
    (shop / "own.py").write_text(own(stock), "utf-8")
    command = {"upgrade": [sys.executable, "own.py"]}
    write_settings(shop, migrations={"command": command, "env": {"OWN_URL": own_url(stock)}})
    run = Running(shop, stock.url)
    outcome = stop_at_work(run, stock)
    # MariaDB has no name by which the session could be cancelled as ours: it is told that it goes on.
    assert outcome == ("failed (130)" if stock.is_atomic else "partial (6)"), run.output
    if not stock.is_atomic:
        assert "the server still carries out a statement" in run.output
        end_statement(stock)
    else:
        assert "Rows that the command has committed" in run.output
    finish(stock, record_fault, "SIGINT in a statement of the project's own command", outcome)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_a_statement_of_a_revisions_own_connection(
    any_stock: Stock, tmp_path: Path, record_fault: Record, number: int
) -> None:
    stock = any_stock
    shop = build_shop(tmp_path / "work")
    write_settings(shop, migrations={"env": {"OWN_URL": own_url(stock)}})
    assert promote(shop, stock).outcome == "promoted"
    (shop / "beside.py").write_text(own(stock), "utf-8")
    add_revision(shop, "r4", HEAD, "import beside\n")
    run = Running(shop, stock.url)
    outcome = stop_at_work(run, stock, number)
    assert outcome == "partial (6)", run.output
    if not stock.is_atomic:
        end_statement(stock)
    finish(stock, record_fault, "a stop in a statement of a revision's own connection", outcome)
    assert promote(shop, stock).exit_code == 3


def test_what_the_application_does_meanwhile_is_not_taken_for_ours(
    any_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    stock = any_stock
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    stock.execute("CREATE TABLE app (id int)")
    run = Running(shop, stock.url, point="r1.begin", action="pause")
    run.wait_for_point()
    with transaction(stock, "INSERT INTO app VALUES (1)"):
        run.stop(signal.SIGTERM)
        ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    assert "INTO app" not in ran.output
    after = promote(shop, stock)
    assert (after.outcome, stock.count_lost()) == ("promoted", 0), after.output
    record_fault(
        fault="a stop while the application has a transaction open",
        database=stock.name,
        outcome="interrupted, then promoted",
        lost=0,
    )


def own(stock: Stock) -> str:
    """Return a program that runs one slow statement over a connection of its own, each committed by itself."""
    return OWN.format(statement=SLOW[stock.dialect])


def own_url(stock: Stock) -> str:
    """Return the URL of a driver that waits in C and hears no signal meanwhile, where there is one."""
    return stock.own_url.replace("+psycopg:", "+psycopg2:")


def stop_at_work(run: Running, stock: Stock, number: int = signal.SIGINT) -> str:
    """Stop the run while its slow statement is on; return how it ended."""
    run.wait_for_line("begun")
    wait_until(lambda: stock.query(WORKS[stock.dialect]), REACHED_SECONDS, "the statement")
    seconds = run.stop(number)
    ran = run.end()
    assert seconds < 10.0, ran.output
    run.check_gone()
    return f"{ran.outcome} ({ran.exit_code})"


def end_statement(stock: Stock) -> None:
    """End the statement that goes on for hours."""
    for row in stock.query(WORKS["mysql"].replace("SELECT 1", "SELECT id")):
        stock.execute(f"KILL {row[0]}")


def finish(stock: Stock, record: Record, fault: str, outcome: str) -> None:
    """What comes after a run that did not say so is lost track of."""
    time.sleep(LIMIT_SECONDS if stock.is_atomic else 0)
    late = stock.journal().count("late")
    unsaid = late if outcome.startswith("failed") else 0
    record(fault=fault, database=stock.name, outcome=outcome, lost=unsaid)
    assert unsaid == 0
    assert late == 0 or not stock.is_atomic  # there it was cancelled


@pytest.fixture(params=["postgres", "mariadb"])
def any_stock(request: pytest.FixtureRequest) -> Stock:
    stock: Stock = request.getfixturevalue(f"{request.param}_stock")
    return stock
