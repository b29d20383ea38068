"""Locks that are not to be had, statements that take too long, and who is in the way."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import REACHED_SECONDS, Running, promote
from tests.faults.sessions import HOLD_FILE, READ_JOURNAL, start_waiting, transaction
from tests.faults.shop import HEAD, add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until, waits_for_lock
from tests.promotion import Ran, run_tool

ALTER_JOURNAL = 'op.add_column("journal", sa.Column("more", sa.Integer()))\n'
AT_IMPORT = "upgrade.import"
HOLD = {"postgresql": READ_JOURNAL, "mysql": READ_JOURNAL, "sqlite": HOLD_FILE}
"""What a change of the table has to wait for."""


@pytest.fixture
def ready(stock: Stock, shop: Path) -> Stock:
    """A database at r3, where r4 is pending, which changes a table."""
    assert promote(shop, stock).outcome == "promoted"
    add_revision(shop, "r4", HEAD, ALTER_JOURNAL)
    return stock


def blocked_run(stock: Stock, shop: Path) -> Running:
    """Start a run that stands still just before its upgrade."""
    run = Running(shop, stock.url, point=AT_IMPORT)
    run.wait_for_point()
    return run


def test_a_lock_that_is_not_to_be_had_in_time(
    ready: Stock, shop: Path, record_fault: Record
) -> None:
    write_settings(shop, {"lock_timeout": "1s"})
    run = blocked_run(ready, shop)
    with transaction(ready, HOLD[ready.dialect]):
        run.release()
        run.wait_for_line("then it failed")
    ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert ran.result["error"]["kind"] == "lock-timeout"
    assert ran.result["error"]["revision"] == "r4"
    assert "start the run again" in ran.result["error"]["next"]
    assert ready.version() == HEAD
    check_later(ready, shop, record_fault, "a lock that is not to be had", ran)


def test_a_lock_that_is_to_be_had_at_the_second_attempt(
    ready: Stock, shop: Path, record_fault: Record
) -> None:
    write_settings(shop, {"lock_timeout": "1s", "lock_retries": 3})
    run = blocked_run(ready, shop)
    with transaction(ready, HOLD[ready.dialect]):
        run.release()
        run.wait_for_line("attempt 2 of 4 in 2 s")
    ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert "attempt 3 of 4" not in ran.output
    check_later(ready, shop, record_fault, "a lock that is to be had at the second attempt", ran)


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_what_somebody_else_did_in_the_pause_is_no_evidence(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, record_fault: Record
) -> None:
    stock, shop = prepared(kind, request, tmp_path)
    write_settings(shop, {"lock_timeout": "1s", "lock_retries": 3})
    run = blocked_run(stock, shop)
    with transaction(stock, READ_JOURNAL):
        run.release()
        run.wait_for_line("attempt 2 of 4 in 2 s")
    stock.execute(
        "ALTER TABLE journal ADD COLUMN more integer",
        "UPDATE alembic_version SET version_num = 'r4'",
    )
    ran = run.end()
    assert ran.exit_code == 0, ran.output
    assert ran.result["applied"] == []
    assert "not executed by this run, and yet in the database: r4" in ran.output
    assert "r4" not in stock.evidence()
    check_later(stock, shop, record_fault, "an upgrade by hand in the pause of lock_retries", ran)


KEPT = {
    "commits": "def keep(bind):\n    bind.exec_driver_sql(INSERT)\n    bind.commit()\n",
    "own connection": (
        "from sqlalchemy import create_engine\n\n\ndef keep(bind):\n"
        "    with create_engine(bind.engine.url).connect() as own:\n"
        "        own.exec_driver_sql(INSERT)\n        own.connection.commit()\n"
    ),
}
INSERT = "INSERT = \"INSERT INTO journal (what) VALUES ('kept')\"\n"


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
@pytest.mark.parametrize("way", KEPT)
def test_a_revision_that_has_kept_something_is_not_tried_again(
    kind: str, way: str, request: pytest.FixtureRequest, tmp_path: Path, record_fault: Record
) -> None:
    stock, shop = prepared(kind, request, tmp_path)
    (shop / "keeping.py").write_text(INSERT + KEPT[way], "utf-8")
    alter = 'op.add_column("customers", sa.Column("more", sa.Integer()))\n'
    add_revision(shop, "r4", HEAD, f"from keeping import keep\nkeep(op.get_bind())\n{alter}")
    write_settings(shop, {"lock_timeout": "1s", "lock_retries": 3})
    run = blocked_run(stock, shop)
    with transaction(stock, "SELECT * FROM customers"):
        run.release()
        ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    assert "attempt 2" not in ran.output
    assert stock.journal().count("kept") == 1
    assert promote(shop, stock).exit_code == 3
    record_fault(
        fault="a lock not to be had after a commit of the revision's own",
        database=stock.name,
        outcome=f"{ran.outcome} ({ran.exit_code})",
        lost=stock.journal().count("kept") - 1,
    )


def check_later(stock: Stock, shop: Path, record: Record, fault: str, ran: Ran) -> None:
    after = promote(shop, stock)
    assert after.exit_code == 0, after.output
    assert stock.version() == "r4"
    lost = stock.count_lost()
    assert lost == 0
    record(fault=fault, database=stock.name, outcome=f"{ran.outcome} ({ran.exit_code})", lost=lost)


SLOW = {
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
}


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_statement_that_takes_too_long(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, record_fault: Record
) -> None:
    stock, shop = prepared(kind, request, tmp_path)
    write_settings(shop, {"statement_timeout": "1s"})
    file = add_revision(shop, "r4", HEAD, f'op.execute("{SLOW[stock.dialect]}")\n')
    ran = promote(shop, stock)
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert (ran.result["error"]["kind"], ran.result["error"]["revision"]) == ("upgrade", "r4")
    words = "statement timeout" if stock.is_atomic else "max_statement_time exceeded"
    assert words in ran.result["error"]["message"]
    file.write_text(file.read_text("utf-8").replace(SLOW[stock.dialect], "SELECT 1"))
    check_later(stock, shop, record_fault, "a statement that takes too long", ran)


def test_the_timeouts_hold_in_transactions_and_never_for_concurrent_builds(
    postgres_stock: Stock, tmp_path: Path
) -> None:
    shop = build_shop(tmp_path / "work", per_revision=True)
    note = (
        "op.execute(\"INSERT INTO journal (what) SELECT current_setting('lock_timeout') || ' '"
        " || current_setting('statement_timeout')\")\n"
    )
    block = f"with op.get_context().autocommit_block():\n    {note}"
    add_revision(shop, "r4", HEAD, note + block + note)
    write_settings(shop, {"lock_timeout": "7s", "statement_timeout": "9m"})
    assert promote(shop, postgres_stock).outcome == "promoted"
    assert postgres_stock.journal()[-3:] == ["7s 9min", "0 0", "7s 9min"]


def test_the_timeouts_of_mariadb_and_sqlite(
    mariadb_stock: Stock, sqlite_stock: Stock, tmp_path: Path
) -> None:
    asked = {
        mariadb_stock: (
            "SELECT CONCAT_WS(' ', @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@max_statement_time)",
            "7 7 540.000000",
        ),
        sqlite_stock: ("SELECT timeout FROM pragma_busy_timeout", "7000"),
    }
    for stock, (question, answer) in asked.items():
        shop = build_shop(tmp_path / stock.dialect)
        add_revision(shop, "r4", HEAD, f'op.execute("INSERT INTO journal (what) {question}")\n')
        write_settings(shop, {"lock_timeout": "7s", "statement_timeout": "9m"})
        assert promote(shop, stock).outcome == "promoted"
        assert stock.journal()[-1] == answer


def test_an_index_that_a_failed_build_leaves_is_named_with_its_cure(
    postgres_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    build = (
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("Unique what", "journal", ["what"], unique=True, postgresql_concurrently=True)\n'
    )
    write_settings(shop)
    assert promote(shop, postgres_stock).outcome == "promoted"
    file = add_revision(shop, "r4", HEAD, build)
    ran = promote(shop, postgres_stock)
    assert (ran.outcome, ran.exit_code) == ("partial", 6), ran.output
    told = json.dumps(ran.result) + ran.output
    assert "pg_backend_pid" not in told, "what ci-migrate itself asked"
    assert "client_connection" not in told
    advice = ran.result["error"]["next"]
    command = next(line for line in advice.splitlines() if line.startswith("DROP"))
    assert command == 'DROP INDEX CONCURRENTLY "Unique what";'
    file.write_text(file.read_text("utf-8").replace("unique=True, ", ""))
    run_psql(postgres_stock, command)
    after = promote(shop, postgres_stock)
    assert (after.outcome, after.exit_code) == ("promoted", 0), after.output
    lost = postgres_stock.count_lost()
    assert lost == 0
    record_fault(
        fault="a concurrent index build that fails",
        database=postgres_stock.name,
        outcome="partial (6), cured by the command",
        lost=lost,
    )


BUILDS = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%%' AND state = 'active'"


@pytest.mark.parametrize("lax", [False, True])
def test_an_index_that_a_killed_build_leaves_is_known_and_undone(
    postgres_stock: Stock, tmp_path: Path, lax: bool, record_fault: Record
) -> None:
    stock, shop = postgres_stock, build_shop(tmp_path / "work")
    write_settings(shop)
    assert promote(shop, stock).outcome == "promoted"
    create = f'op.create_index("what", "journal", ["what"], postgresql_concurrently=True, if_not_exists={lax})'
    add_revision(shop, "r4", HEAD, f"with op.get_context().autocommit_block():\n    {create}\n")
    with transaction(stock, "INSERT INTO journal (what) VALUES ('open')"):
        run = Running(shop, stock.url)
        wait_until(lambda: stock.query(BUILDS), REACHED_SECONDS, "the build")
        run.process.kill()
        run.check_gone()
        wait_until(lambda: not stock.query(BUILDS), 10, "the server to notice")
    blocked = promote(shop, stock)
    assert blocked.exit_code == 3, blocked.output
    assert "a concurrent build that is cut off leaves its index there, invalid" in blocked.output
    if lax:
        after = promote(shop, stock, "--undone", "r4")
        assert "whose build did not end, and which serve no query: what" in after.output
    else:
        arguments = ("--environment", "dev", "--confirm", "dev", "--undo")
        after = run_tool(shop, "recover", *arguments, env={"CIM_URL": stock.url})
        assert "invalid  CREATE INDEX CONCURRENTLY" in after.output
        assert "DROP INDEX CONCURRENTLY" in after.output
        assert stock.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    assert after.exit_code == 0, after.output
    lost = stock.count_lost()
    record_fault(
        fault="a concurrent index build that is killed",
        database=stock.name,
        outcome="blocked, then told" if lax else "blocked, then undone",
        lost=lost,
    )


def run_psql(stock: Stock, command: str) -> None:
    import sqlalchemy as sa
    from sqlalchemy.pool import NullPool

    engine = sa.create_engine(stock.own_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(command)


WAITING = {
    "postgresql": r"waiting \d+ s for ACCESS EXCLUSIVE on journal, held by pid {number},"
    r" app=psql of Ada, idle in transaction since \d\d:\d\d:\d\d UTC; 1 session waits behind us",
    "mysql": r"waiting for table metadata lock, \d+ s; open transactions: connection {number},"
    r" user=root, Sleep for \d+ s, in its transaction since .*; 1 session waits behind us",
}


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_the_watch_names_who_is_in_the_way_and_how_many_wait(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    stock, shop = prepared(kind, request, tmp_path)
    with transaction(stock, READ_JOURNAL) as number:
        run = Running(shop, stock.url)
        # Before that, nobody has to wait behind it.
        wait_until(lambda: waits_for_lock(stock), REACHED_SECONDS, "the upgrade to wait")
        reader = start_waiting(stock, READ_JOURNAL)
        run.wait_for_line("1 session waits behind us")
    ran = run.end()
    reader.join(timeout=30)
    assert re.search(WAITING[stock.dialect].format(number=number), ran.output), ran.output
    assert ran.outcome == "promoted"


WAITS_FOR_ITSELF = """
own = sa.create_engine(op.get_bind().engine.url).connect()
own.exec_driver_sql("SELECT * FROM journal")
"""


def test_a_revision_that_waits_for_its_own_session_is_told_so(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    stock, shop = prepared("postgres", request, tmp_path)
    add_revision(shop, "r5", "r4", WAITS_FOR_ITSELF + ALTER_JOURNAL)
    write_settings(shop, {"transaction": "per_revision"})
    run = Running(shop, stock.url)
    run.wait_for_line("a session of this project's own")
    run.stop(signal.SIGINT)
    ran = run.end()
    assert re.search(r"idle in transaction since \S+ UTC \(a session of this", ran.output), (
        ran.output
    )
    assert ran.exit_code in {6, 130}, ran.output


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_queue_that_grows_too_long_makes_the_migration_give_up(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, record_fault: Record
) -> None:
    stock, shop = prepared(kind, request, tmp_path)
    write_settings(shop, {"max_queue": 0})
    with transaction(stock, READ_JOURNAL):
        run = Running(shop, stock.url)
        # Before that, nobody has to wait behind it.
        wait_until(lambda: waits_for_lock(stock), REACHED_SECONDS, "the upgrade to wait")
        reader = start_waiting(stock, READ_JOURNAL)
        ran = run.end()
        reader.join(timeout=30)
        assert not reader.is_alive(), "who waited behind us gets through"
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    message = ran.result["error"]["message"]
    assert "1 session waits behind the migration, more than `max_queue` = 0" in message
    assert "start the run again" in ran.result["error"]["next"]
    check_later(stock, shop, record_fault, "more sessions in the queue than max_queue", ran)


def prepared(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Stock, Path]:
    """Return a database at r3, and the project with r4."""
    stock: Stock = request.getfixturevalue(f"{kind}_stock")
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    assert promote(shop, stock).outcome == "promoted"
    add_revision(shop, "r4", HEAD, ALTER_JOURNAL)
    return stock, shop
