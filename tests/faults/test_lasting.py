"""Revisions that are taken for atomic and are not: what they have committed is not called unchanged, nor run again."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD, add_revision, build_shop, write_settings
from tests.faults.stock import Stock

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


def by_two_in_one(_shop: Path) -> str:
    """Commit in the text of another statement."""
    return "op.execute(\"INSERT INTO journal (what) VALUES ('kept'); COMMIT\")\n"


def by_begin(_shop: Path) -> str:
    """Begin a transaction, which commits the one before on MariaDB."""
    return INSERT + "op.execute('START TRANSACTION')\n"


def by_lock(_shop: Path) -> str:
    """Lock tables in a helper, which commits what was before."""
    locks = "def keep(bind):\n    for text in ('LOCK TABLES journal WRITE', 'UNLOCK TABLES'):\n"
    (_shop / "helper.py").write_text(f"{locks}        bind.exec_driver_sql(text)\n", "utf-8")
    return INSERT + "import helper\nhelper.keep(op.get_bind())\n"


def by_setting(_shop: Path) -> str:
    """Set autocommit, which commits what was before."""
    return INSERT + "op.execute('SET autocommit=1')\n"


def after_setting(_shop: Path) -> str:
    """Let the server commit each statement by itself."""
    return "op.execute('SET autocommit=1')\n" + INSERT


def by_statement_setting(_shop: Path) -> str:
    """Change the schema behind MariaDB's settings for one statement."""
    change = "SET STATEMENT max_statement_time=100 FOR ALTER TABLE journal COMMENT 'y'"
    return INSERT + f'op.execute("{change}")\n'


def by_myisam(_shop: Path) -> str:
    """Write into a table without transactions."""
    return INSERT


def by_script(_shop: Path) -> str:
    """Let the driver of SQLite run a script, which commits."""
    script = "INSERT INTO journal (what) VALUES ('kept');"
    return f'op.get_bind().connection.executescript("{script}")\n'


def by_driver(_shop: Path) -> str:
    """Commit by the driver's own connection, out of sight of the revision's text."""
    (_shop / "helper.py").write_text("def keep(bind):\n    bind.connection.commit()\n", "utf-8")
    return INSERT + "import helper\nhelper.keep(op.get_bind())\n"


def by_bind(_shop: Path) -> str:
    """Commit by SQLAlchemy, out of sight of the revision's text."""
    (_shop / "helper.py").write_text("def keep(bind):\n    bind.commit()\n", "utf-8")
    return INSERT + "import helper\nhelper.keep(op.get_bind())\n"


Way = Callable[[Path], str]
CASES = [
    *itertools.product(("postgres", "mariadb", "sqlite"), (by_helper, by_engine, by_option)),
    ("psycopg2", by_engine),
    ("asyncpg", by_engine),
    ("psycopg2", by_two_in_one),
    ("mariadb", by_begin),
    ("mariadb", by_lock),
    ("mariadb", by_setting),
    ("mariadb", after_setting),
    ("mariadb", by_statement_setting),
    ("mariadb", by_myisam),
    ("mariadb", by_driver),
    ("mariadb", by_bind),
    ("postgres", by_bind),
    ("sqlite", by_script),
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
    if way is by_myisam:
        stock.execute("ALTER TABLE journal ENGINE=MyISAM")
    return stock, shop, way(shop)


@pytest.mark.parametrize(("kind", "way"), [case for case in CASES if case[1] is not by_bind])
def test_without_a_fault_they_are_promoted(prepared: tuple[Stock, Path, str], way: Way) -> None:
    stock, shop, work = prepared
    add_revision(shop, "r4", HEAD, work)
    ran = promote(shop, stock)
    assert (ran.outcome, stock.journal().count("kept")) == ("promoted", 1), ran.output
    is_warned = way in {by_engine, by_option}
    assert ("connection is in AUTOCOMMIT" in ran.output) == is_warned, ran.output


CAUGHT = """
from sqlalchemy import orm
session = orm.Session(bind=op.get_bind())
try:
    session.execute(sa.text("SELECT nothing FROM journal"))
except Exception:
    session.rollback()
"""


@pytest.mark.parametrize("way", [by_engine, by_option])
@pytest.mark.parametrize("kind", ["postgres", "mariadb", "sqlite"])
def test_a_rollback_takes_nothing_back_where_each_statement_stays(
    prepared: tuple[Stock, Path, str],
) -> None:
    stock, shop, work = prepared
    add_revision(shop, "r4", HEAD, work + CAUGHT)
    ran = promote(shop, stock)
    assert (ran.outcome, stock.journal().count("kept")) == ("promoted", 1), ran.output


@pytest.mark.parametrize(("kind", "way"), CASES)
@pytest.mark.parametrize("action", ["nothing", "statement", "worker", "group"])
def test_what_a_revision_has_committed_is_not_run_again(
    prepared: tuple[Stock, Path, str], way: Way, action: str, record_fault: Record
) -> None:
    stock, shop, work = prepared
    point = 'from points import point\npoint("r4.middle", op.get_bind())\n'
    add_revision(shop, "r4", HEAD, f"{work}{point}op.execute('SELECT * FROM nowhere')\n")
    run = Running(shop, stock.url, point="r4.middle" if action != "nothing" else "", action=action)
    if action != "nothing":
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
    assert promote(shop, stock).exit_code == 3
    assert stock.journal().count("kept") == 1
    record_fault(
        fault=f"{action} hit after a commit {way.__name__.replace('_', ' ')}",
        database=stock.name,
        outcome="partial, then blocked",
        lost=stock.journal().count("kept") - 1,
    )


@pytest.mark.parametrize("kind", ["mariadb", "sqlite"])
@pytest.mark.parametrize("action", ["nothing", "statement", "worker"])
def test_rows_that_the_server_takes_back_are_no_part_of_a_revision(
    kind: str,
    action: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    record_fault: Record,
) -> None:
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    assert promote(shop, stock).outcome == "promoted"
    point = f'from points import point\n{INSERT}point("r4.middle", op.get_bind())\n'
    file = add_revision(shop, "r4", HEAD, f"{point}op.execute('SELECT * FROM nowhere')\n")
    run = Running(shop, stock.url, point="r4.middle" if action != "nothing" else "", action=action)
    if action == "statement":
        run.wait_for_point()
        time.sleep(1)
        run.process.send_signal(signal.SIGINT)
    ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("failed", 130 if action == "statement" else 5)
    assert stock.journal().count("kept") == 0
    file.write_text(file.read_text("utf-8").replace("SELECT * FROM nowhere", "SELECT 1"))
    after = promote(shop, stock)
    assert after.outcome == "promoted", after.output
    lost = abs(stock.journal().count("kept") - 1)
    record_fault(
        fault=f"{action} hit after rows in a transaction",
        database=stock.name,
        outcome=f"{ran.outcome}, then promoted",
        lost=lost,
    )
    assert lost == 0
