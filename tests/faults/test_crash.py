"""SIGKILL at every point of the project: of the worker, of the parent, of both, of the process group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD, POINTS, TABLES, build_shop, write_settings
from tests.faults.stock import Stock
from tests.promotion import Ran

ACTIONS = ("worker", "parent", "both", "group")


def cases() -> Iterator[object]:
    """Yield every point with one action, each action in turn, and one point with all of them."""
    for number, place in enumerate(POINTS):
        yield pytest.param(place, ACTIONS[number % 4], id=f"{place}-{ACTIONS[number % 4]}")
    for action in ("worker", "both", "group"):
        yield pytest.param("r2.middle", action, id=f"r2.middle-{action}")


@pytest.mark.parametrize(("place", "action"), list(cases()))
def test_a_killed_run_loses_nothing_and_the_next_one_knows(
    stock: Stock, shop: Path, place: str, action: str, record_fault: Record
) -> None:
    run = Running(shop, stock.url, point=place, action=action)
    ran = run.end()
    run.check_gone()
    stock.check_free()
    if action == "worker":
        check_report(ran, stock, place)
    else:
        assert ran.exit_code == -9
        assert ran.result == {}

    after = promote(shop, stock)
    outcome = "next run promoted"
    if is_half_applied(stock, place):
        outcome = "next run blocked, then promoted"
        after = resolve(shop, stock, after, place.partition(".")[0])
    elif place == "upgrade.end":
        outcome = "next run found nothing to do"
        assert (after.outcome, after.exit_code) == ("nothing-to-do", 0), after.output
    else:
        assert (after.outcome, after.exit_code) == ("promoted", 0), after.output
    if action != "worker" and not outcome.startswith("next run blocked"):
        assert "was cut off" in after.output
    assert stock.version() == HEAD
    lost = stock.count_lost()
    assert lost == 0, stock.journal()
    what = (
        "process group"
        if action == "group"
        else f"{action} and worker"
        if action == "both"
        else action
    )
    what = {"both and worker": "parent and worker"}.get(what, what)
    record_fault(fault=f"SIGKILL of the {what}", database=stock.name, outcome=outcome, lost=lost)


def is_half_applied(stock: Stock, place: str) -> bool:
    """Return whether statements of a revision stay although its run has ended: schema changes not on PostgreSQL."""
    return not stock.is_atomic and place.startswith("r") and place.endswith((".middle", ".end"))


def check_report(ran: Ran, stock: Stock, place: str) -> None:
    """The parent lives: it says what became of the database."""
    assert ran.result["error"]["kind"] == "worker", ran.output
    assert "SIGKILL" in ran.result["error"]["message"]
    is_changed = bool(stock.tables())
    assert (ran.outcome, ran.exit_code) == (("partial", 6) if is_changed else ("failed", 5)), (
        ran.output
    )
    if is_half_applied(stock, place):
        table = TABLES[place.partition(".")[0]][0]
        assert f"CREATE TABLE {table}" in " ".join(ran.result["error"]["executed"])
        assert "Bring the backup back" in ran.result["error"]["next"]


def resolve(shop: Path, stock: Stock, after: Ran, revision: str) -> Ran:
    """The next run stops and says what is there; the user undoes it by hand, says so, and gets on."""
    assert (after.outcome, after.exit_code) == ("blocked", 3), after.output
    gate = next(gate for gate in after.result["gates"] if gate["name"] == "unfinished")
    table = TABLES[revision][0]
    assert gate["outcome"] == "failed"
    assert f"of {revision} there ran" in gate["message"]
    assert f"CREATE TABLE {table}" in gate["message"]
    assert f"--undone {revision}" in gate["next"]
    assert stock.version() != revision
    again = promote(shop, stock)
    assert again.exit_code == 3, "it stays blocked until somebody says that it is undone"
    stock.execute(f"DROP TABLE {table}")
    after = promote(shop, stock, "--undone", revision)
    assert (after.outcome, after.exit_code) == ("promoted", 0), after.output
    return after


@pytest.mark.parametrize("action", ["worker", "parent"])
@pytest.mark.parametrize("place", ["r2.begin", "r3.middle"])
def test_what_was_committed_before_the_crash_stays(
    postgres_stock: Stock, tmp_path: Path, place: str, action: str, record_fault: Record
) -> None:
    """With a transaction for each revision the next run begins where this one was killed."""
    folder = build_shop(tmp_path / "work", per_revision=True)
    write_settings(folder)
    run = Running(folder, postgres_stock.url, point=place, action=action)
    ran = run.end()
    run.check_gone()
    postgres_stock.check_free()
    before = {"r2": "r1", "r3": "r2"}[place.partition(".")[0]]
    assert postgres_stock.version() == before
    if action == "worker":
        assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
        assert "whole" in ran.result["error"]["next"]
    after = promote(folder, postgres_stock)
    assert after.outcome == "promoted", after.output
    assert after.result["from"] == [before]
    lost = postgres_stock.count_lost()
    assert lost == 0
    record_fault(
        fault=f"SIGKILL of the {action}, a transaction for each revision",
        database=postgres_stock.name,
        outcome="next run goes on from there",
        lost=lost,
    )


def test_a_half_applied_revision_whose_file_is_gone_is_still_named(
    sqlite_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    """Somebody reverts the commit: nothing is pending, and still a table is too many."""
    folder = build_shop(tmp_path / "work")
    write_settings(folder)
    Running(folder, sqlite_stock.url, point="r2.middle", action="group").end()
    files = {file: file.read_text() for file in folder.glob("migrations/versions/r[23]_*.py")}
    for file in files:
        file.unlink()
    for _ in range(2):  # it is told until it is undone
        after = promote(folder, sqlite_stock)
        assert after.outcome == "nothing-to-do"
        (warning,) = (text for text in after.result["warnings"] if "there ran" in text)
        assert "no revision of this branch" in warning
        assert "CREATE TABLE orders" in warning
    for file, text in files.items():
        file.write_text(text)
    after = resolve(folder, sqlite_stock, promote(folder, sqlite_stock), "r2")
    assert sqlite_stock.count_lost() == 0
    record_fault(
        fault="SIGKILL of the process group, then the file of the revision removed",
        database=sqlite_stock.name,
        outcome="named, blocked when it is back, promoted",
        lost=0,
    )


def test_the_restore_command_of_the_gate_brings_the_database_back(
    sqlite_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    import subprocess

    folder = build_shop(tmp_path / "work")
    write_settings(folder)
    Running(folder, sqlite_stock.url, point="r2.middle", action="group").end()
    sqlite_stock.check_free()
    blocked = promote(folder, sqlite_stock)
    gate = next(gate for gate in blocked.result["gates"] if gate["name"] == "unfinished")
    command = next(line for line in gate["next"].splitlines() if line.startswith("cp "))
    subprocess.run(command, shell=True, check=True)
    after = promote(folder, sqlite_stock)
    assert after.outcome == "promoted", after.output
    assert sqlite_stock.count_lost() == 0
    record_fault(
        fault="SIGKILL of the process group",
        database=sqlite_stock.name,
        outcome="restored by the command, then promoted",
        lost=0,
    )
