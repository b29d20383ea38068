"""Revisions that are taken for atomic and are not: what they have committed is not called unchanged, nor run again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD, add_revision, build_shop, write_settings
from tests.faults.stock import Stock

KINDS = ("postgres", "psycopg2", "asyncpg", "mariadb", "sqlite")
INSERT = "op.execute(sa.text(\"INSERT INTO journal (what) VALUES ('kept')\"))\n"
HELPER = """
import sqlalchemy as sa

def fill(op):
    with op.get_context().autocommit_block():
        op.execute(sa.text("INSERT INTO journal (what) VALUES ('kept')"))
"""
ENGINE = (", poolclass=pool.NullPool)", ", poolclass=pool.NullPool, isolation_level='AUTOCOMMIT')")
OPTION = (
    "    context.configure(",
    "    connection = connection.execution_options(isolation_level='AUTOCOMMIT')\n    context.configure(",
)


def by_helper(shop: Path) -> str:
    """Let a helper in another file use an autocommit_block."""
    (shop / "helper.py").write_text(HELPER, "utf-8")
    return "import helper\nhelper.fill(op)\n"


def by_engine(shop: Path) -> str:
    """Let env.py's engine commit each statement by itself."""
    return _changed(shop, *ENGINE)


def by_option(shop: Path) -> str:
    """Let env.py's connection commit each statement by itself."""
    return _changed(shop, *OPTION)


def _changed(shop: Path, old: str, new: str) -> str:
    file = shop / "migrations/env.py"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    return INSERT


Way = Callable[[Path], str]
CASES = [
    (kind, way)
    for kind in KINDS
    for way in (by_helper, by_engine, by_option)
    if (kind, way) != ("asyncpg", by_option)  # it takes its options before run_sync
]


@pytest.fixture
def prepared(
    kind: str, way: Way, request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[Stock, Path, str]:
    """Return a database at r3, its project, and the work of r4."""
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work", is_async=kind == "asyncpg")
    write_settings(shop)
    assert promote(shop, stock).outcome == "promoted"
    return stock, shop, way(shop)


@pytest.mark.parametrize(("kind", "way"), CASES)
def test_without_a_fault_they_are_promoted(prepared: tuple[Stock, Path, str], way: Way) -> None:
    stock, shop, work = prepared
    add_revision(shop, "r4", HEAD, work)
    ran = promote(shop, stock)
    assert (ran.outcome, stock.journal().count("kept")) == ("promoted", 1), ran.output
    assert ("connection is in AUTOCOMMIT" in ran.output) == (way is not by_helper), ran.output


@pytest.mark.parametrize(("kind", "way"), CASES)
@pytest.mark.parametrize("action", ["statement", "worker", "group"])
def test_what_a_revision_has_committed_is_not_run_again(
    prepared: tuple[Stock, Path, str], way: Way, action: str, record_fault: Record
) -> None:
    stock, shop, work = prepared
    add_revision(
        shop, "r4", HEAD, f'from points import point\n{work}point("r4.middle", op.get_bind())\n'
    )
    run = Running(shop, stock.url, point="r4.middle", action=action)
    run.wait_for_point()
    if action == "statement":
        time.sleep(1)
        run.process.send_signal(signal.SIGINT)
    ran = run.end()
    run.check_gone()
    stock.check_free()
    if action != "group":
        assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    after = promote(shop, stock)
    assert after.exit_code == 3, after.output
    assert "INSERT INTO journal" in after.output
    assert stock.journal().count("kept") == 1
    record_fault(
        fault=f"{action} hit after a commit {way.__name__.replace('_', ' ')}",
        database=stock.name,
        outcome="partial, then blocked",
        lost=stock.journal().count("kept") - 1,
    )
