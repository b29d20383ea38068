"""A walk over the lines of the story itself: SIGINT, SIGTERM or SIGKILL at each, or a bug, and what is lost by it.

The lines are those that the parent reaches in a promotion that goes well, in their order. A run of the tests takes some
of them, evenly spread; `FAULT_PLACES=1` takes every one, `FAULT_PLACES=3` every third.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD
from tests.faults.stock import Stock
from tests.promotion import Ran

WALKER = str(Path(__file__).parent / "walker.py")
LINES = 1060
"""About as many as there are; beyond the last one a run goes through."""
STEP = int(os.environ.get("FAULT_PLACES", "0"))
EACH = 87
SIGNALS = ("SIGKILL", "SIGINT", "SIGKILL", "SIGTERM", "bug")
ENDS = {"promoted": 0, "nothing-to-do": 0, "failed": 130, "partial": 6}


def places() -> Iterator[object]:
    """Yield places with a signal each."""
    for turn, place in enumerate(range(1, LINES, STEP or EACH)):
        name = SIGNALS[turn % len(SIGNALS)]
        yield pytest.param(place, name, id=f"{place}-{name}")


def walk(shop: Path, stock: Stock, place: int, name: str) -> Running:
    number = 0 if name == "bug" else int(signal.Signals[name])
    program = [sys.executable, WALKER, str(place), str(number)]
    return Running(shop, stock.url, program=program)


def test_the_places_are_those_of_a_whole_run(stock: Stock, shop: Path) -> None:
    run = walk(shop, stock, 10 * LINES, "SIGKILL")
    assert run.end().outcome == "promoted"
    assert 0.85 * LINES < len(run.reached.splitlines()) <= LINES


@pytest.mark.parametrize(("place", "name"), list(places()))
def test_hit_at_any_line_nothing_is_lost(
    stock: Stock, shop: Path, place: int, name: str, record_fault: Record
) -> None:
    run = walk(shop, stock, place, name)
    ran = run.end()
    run.check_gone()
    stock.check_free()
    where = f"{run.reached.splitlines()[-1]}: {ran.output}"
    if name == "SIGKILL" and ran.exit_code == -9:
        end = "killed"
    elif name == "bug":
        end = f"exit code {ran.exit_code}"
        assert "RuntimeError: a bug near" in ran.output, where
    else:
        end = ran.outcome
        assert ran.exit_code == ENDS[end], where
        check_told(ran, stock, where)
    after = go_on(shop, stock)
    assert stock.version() == HEAD, where
    lost = stock.count_lost()
    assert lost == 0, (where, stock.journal())
    recorded = stock.evidence()
    assert sorted(set(recorded)) == sorted(recorded), where
    ends = {"promoted", "failed", "partial", "interrupted"}
    if name == "bug":
        ends.add("unverified")  # it may have hit the verification
    assert set(stock.run_outcomes()) <= ends, where
    assert not list(shop.rglob("*.pgpass")) + list(shop.rglob("*.cnf")), where
    record_fault(
        fault=f"{name} at a line of ci-migrate",
        database=stock.name,
        outcome=f"{end}, then {after}",
        lost=lost,
    )


def check_told(ran: Ran, stock: Stock, where: str) -> None:
    """A run that was told to stop says so, or that all was done."""
    if ran.outcome in {"promoted", "nothing-to-do"}:
        assert stock.version() == HEAD, where
        return
    assert ran.result["error"]["kind"] == "interrupted", where
    assert "Traceback" not in ran.output, where
    assert (ran.outcome == "partial") == bool(stock.tables()), where
    assert "started" not in stock.run_outcomes(), where


def go_on(shop: Path, stock: Stock) -> str:
    """Promote again, undo what the gate says is half applied, and return how it went."""
    after = promote(shop, stock)
    if after.exit_code != 3:
        assert after.exit_code == 0, after.output
        return after.outcome
    gate = next(gate for gate in after.result["gates"] if gate["name"] == "unfinished")
    revision = gate["next"].partition("--undone ")[2].split()[0].rstrip(".,`")
    for table in stock.tables_of(revision):
        stock.execute(f"DROP TABLE {table}")
    after = promote(shop, stock, "--undone", revision)
    assert after.exit_code == 0, after.output
    return "blocked, undone, promoted"
