"""SIGINT and SIGTERM at every stage: the end comes in time, the server is left in peace, and everything is told."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import REACHED_SECONDS, Running, promote
from tests.faults.shop import HEAD, TABLES, UNCOUNTED, add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until, waits_for_lock
from tests.promotion import Ran
from tests.servers.postgres import PostgresServer

LIMIT_SECONDS = 10.0
"""After which a runner kills."""
PLACES = {
    "probe.import": signal.SIGINT,
    "upgrade.configured": signal.SIGTERM,
    "r1.begin": signal.SIGINT,
    "r2.middle": signal.SIGTERM,
    "r3.end": signal.SIGINT,
    "upgrade.end": signal.SIGTERM,
}


def check_stopped(run: Running, stock: Stock, ran: Ran, seconds: float) -> str:
    """A run that was stopped has ended in time, told how, and left nothing and nobody behind."""
    assert seconds < LIMIT_SECONDS, ran.output
    run.check_gone()
    stock.check_free()
    assert "Traceback" not in ran.output, ran.output
    if ran.outcome == "promoted":
        return "promoted"
    is_changed = bool(stock.tables())
    expected = ("partial", 6) if is_changed else ("failed", 130)
    assert (ran.outcome, ran.exit_code) == expected, ran.output
    assert ran.result["error"]["kind"] == "interrupted"
    assert ran.result["error"]["next"]
    return "partial" if is_changed else "interrupted"


def check_next(shop: Path, stock: Stock, revision: str) -> None:
    """The next run goes on, or stops and says what is there; then nothing is lost and nothing is there twice."""
    after = promote(shop, stock)
    if after.exit_code == 3:
        gate = next(gate for gate in after.result["gates"] if gate["name"] == "unfinished")
        assert f"of {revision} there ran" in gate["message"]
        stock.execute(f"DROP TABLE {TABLES[revision][0]}")
        after = promote(shop, stock, "--undone", revision)
    assert after.exit_code == 0, after.output
    assert (stock.version(), stock.count_lost()) == (HEAD, 0), stock.journal()


@pytest.mark.parametrize("place", list(PLACES))
def test_stopped_in_the_projects_code(
    stock: Stock, shop: Path, place: str, record_fault: Record
) -> None:
    run = Running(shop, stock.url, point=place, action="pause")
    run.wait_for_point()
    seconds = run.stop(PLACES[place])
    ran = run.end()
    outcome = check_stopped(run, stock, ran, seconds)
    assert stock.run_outcomes() == [outcome]
    check_next(shop, stock, place.partition(".")[0])
    record_fault(
        fault=f"{PLACES[place].name} in the project's code",
        database=stock.name,
        outcome=f"{outcome}, then promoted",
        lost=0,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("driver", ["postgres", "psycopg2", "asyncpg", "mariadb", "sqlite"])
def test_a_running_statement_is_cancelled_on_the_server(
    driver: str,
    number: signal.Signals,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    record_fault: Record,
) -> None:
    stock: Stock = request.getfixturevalue(f"{driver}_stock")
    shop = build_shop(tmp_path / "work", is_async=driver == "asyncpg")
    write_settings(shop)
    run = Running(shop, stock.url, point="r2.begin", action="statement")
    run.wait_for_point()
    seconds = run.stop(number)
    ran = run.end()
    outcome = check_stopped(run, stock, ran, seconds)
    assert stock.run_outcomes() == [outcome]
    assert outcome == ("interrupted" if stock.is_atomic else "partial")
    check_next(shop, stock, "r2")
    record_fault(
        fault=f"{number.name} while a statement runs",
        database=stock.name,
        outcome=f"{outcome}, then promoted",
        lost=0,
    )


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_a_second_signal_hurries_and_breaks_nothing(
    stock: Stock, shop: Path, pause: float, record_fault: Record
) -> None:
    """Also when the project does not listen to the first, and when signals rain until the end."""
    run = Running(shop, stock.url, point="r2.middle", action="deaf")
    run.wait_for_point()
    seconds = run.stop(signal.SIGINT, signal.SIGTERM, *[signal.SIGINT] * 4, pause=pause)
    ran = run.end()
    outcome = check_stopped(run, stock, ran, seconds)
    assert ran.exit_code in {6, 130}
    check_next(shop, stock, "r2")
    record_fault(
        fault="signal upon signal, a project that is deaf",
        database=stock.name,
        outcome=f"{outcome}, then promoted",
        lost=0,
    )


def test_stopped_while_it_waits_for_the_lock(
    stock: Stock, shop: Path, record_fault: Record
) -> None:
    first = Running(shop, stock.url, point="r1.begin", action="pause")
    first.wait_for_point()
    second = Running(shop, stock.url)
    second.wait_for_line("waiting for the lock, held by")
    seconds = second.stop(signal.SIGINT)
    ran = second.end()
    assert seconds < LIMIT_SECONDS
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    assert ran.result["error"]["stage"] == "lock"
    second.check_gone()
    first.release()
    assert first.end().outcome == "promoted", "the other run is not disturbed"
    assert stock.count_lost() == 0
    record_fault(
        fault="SIGINT while waiting for the lock",
        database=stock.name,
        outcome="interrupted",
        lost=0,
    )


@contextmanager
def silent_server() -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that takes connections and never says a word; yields its port and what it has taken."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], taken
        server.shutdown(socket.SHUT_RDWR)
        for connection in taken:
            connection.close()


@pytest.mark.parametrize(
    "scheme",
    ["postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg", "mysql+pymysql"],
)
def test_stopped_while_it_connects(scheme: str, tmp_path: Path, record_fault: Record) -> None:
    """Told as a stop, not as a database that cannot be reached."""
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    with silent_server() as (port, taken):
        run = Running(shop, f"{scheme}://shop:secret@127.0.0.1:{port}/shop")
        wait_until(lambda: taken, REACHED_SECONDS, "a connection")
        seconds = run.stop(signal.SIGTERM)
        ran = run.end()
    assert seconds < 5, "long before the driver would have given up"
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    assert ran.result["error"]["kind"] == "interrupted"
    run.check_gone()
    record_fault(fault="SIGTERM while it connects", database=scheme, outcome="interrupted", lost=0)


def test_stopped_while_our_own_statement_waits(
    postgres_stock: Stock, psycopg2_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    """Another session holds the version table; psycopg2 waits in C and hears nothing by itself."""
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    promote(shop, postgres_stock)
    with postgres_stock.connect() as connection:
        connection.exec_driver_sql("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        run = Running(shop, psycopg2_stock.url)
        wait_until(lambda: waits_for_lock(postgres_stock), REACHED_SECONDS, "our statement")
        seconds = run.stop(signal.SIGINT)
        ran = run.end()
        run.check_gone()
    assert seconds < LIMIT_SECONDS
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    assert ran.result["error"]["stage"] == "plan"
    postgres_stock.check_free()
    record_fault(
        fault="SIGINT while our own statement waits",
        database=psycopg2_stock.name,
        outcome="interrupted",
        lost=0,
    )


WAIT = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$
"""
SLOW_PLAN = """
CREATE TRIGGER slow BEFORE INSERT ON ci_migrate.ci_migrate_ledger
FOR EACH ROW WHEN (NEW.kind = 'revision') EXECUTE FUNCTION wait()
"""


def test_stopped_while_the_plan_is_written_to_the_ledger(
    postgres_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    """It is written to its end, once, and has the end of the run."""
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    promote(shop, postgres_stock)
    postgres_stock.execute(WAIT, SLOW_PLAN)
    add_revision(shop, "r4", "r3", "pass")
    run = Running(shop, postgres_stock.url)
    is_writing = (
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND left(query, 11) = 'INSERT INTO'"
    )
    wait_until(lambda: postgres_stock.query(is_writing), REACHED_SECONDS, "the ledger's plan")
    seconds = run.stop(signal.SIGINT)
    ran = run.end()
    assert seconds < LIMIT_SECONDS, ran.output
    run.check_gone()
    postgres_stock.check_free()
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    planned = "SELECT outcome FROM ci_migrate.ci_migrate_ledger WHERE revision = 'r4'"
    assert postgres_stock.query(planned) == [("not-executed",)]
    record_fault(
        fault="SIGINT while the plan is written", database=postgres_stock.name, outcome="interrupted", lost=0
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_backup(
    number: signal.Signals,
    postgres: PostgresServer,
    postgres_stock: Stock,
    tmp_path: Path,
    record_fault: Record,
) -> None:
    """`pg_dump` waits for a table that somebody holds: it gets the signal, too, or ends with us."""
    stock = postgres_stock
    shop = build_shop(tmp_path / "work")
    write_settings(shop, UNCOUNTED)
    stock.execute("CREATE SCHEMA aside", "CREATE TABLE aside.held (id integer)")
    with stock.connect() as connection:
        # Without a default in it only pg_dump needs the table; ours looks at definitions.
        connection.exec_driver_sql("LOCK TABLE aside.held IN ACCESS EXCLUSIVE MODE")
        run = Running(shop, stock.url)
        run.wait_for_program("pg_dump")
        seconds = run.stop(number)
        ran = run.end()
        run.check_gone()
    assert seconds < LIMIT_SECONDS
    stock.check_free()
    assert not list((shop / ".ci-migrate/backups").rglob("*.json"))
    assert stock.tables() == set()
    if number == signal.SIGINT:
        assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
        assert ran.result["error"]["stage"] == "backup"
        left = [file for file in (shop / ".ci-migrate").rglob("*") if file.is_file()]
        assert [file.name for file in left if file.name != ".gitignore"] == []
    assert promote(shop, stock).outcome == "promoted"
    assert stock.count_lost() == 0
    record_fault(
        fault=f"{number.name} in the backup",
        database=stock.name,
        outcome="interrupted, then promoted"
        if number == signal.SIGINT
        else "killed, then promoted",
        lost=0,
    )


SLOW_TO_CHECK = (
    "CREATE TABLE big (id integer)",
    "CREATE INDEX slow ON big (id + 0)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO big SELECT i FROM n",
    # The same numbers by another way: the check works them out anew, some hundredths of a second for each.
    "PRAGMA writable_schema = ON",
    "UPDATE sqlite_master SET sql = replace(sql, '+ 0', '+ 0 * length(hex(zeroblob(12000000 + id)))')",
)


def test_stopped_while_a_large_file_is_checked(
    sqlite_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    """`PRAGMA integrity_check` is one call in C, which hears no signal."""
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    sqlite_stock.execute(*SLOW_TO_CHECK)
    size = Path(sqlite_stock.file).stat().st_size
    run = Running(shop, sqlite_stock.url)
    folder = shop / ".ci-migrate/backups"
    wait_until(
        lambda: [file for file in folder.glob("*.sqlite*") if file.stat().st_size >= size],
        REACHED_SECONDS,
        "the copy",
    )
    time.sleep(1)  # for the check to begin
    seconds = run.stop(signal.SIGTERM)
    ran = run.end()
    assert seconds < LIMIT_SECONDS, ran.output
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    assert ran.result["error"]["stage"] == "backup"
    assert [file.name for file in folder.glob("*.sqlite*")] == []
    run.check_gone()
    sqlite_stock.execute("DROP TABLE big")
    assert promote(shop, sqlite_stock).outcome == "promoted"
    record_fault(
        fault="SIGTERM while a backup is checked",
        database=sqlite_stock.name,
        outcome="interrupted, then promoted",
        lost=sqlite_stock.count_lost(),
    )


def test_stopped_in_a_command_of_the_projects_own(
    sqlite_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    script = 'echo begun; trap "" INT; sleep 60 & wait; sleep 60'
    write_settings(shop, migrations={"command": {"upgrade": ["bash", "-c", script]}})
    run = Running(shop, sqlite_stock.url)
    run.wait_for_line("begun")
    seconds = run.stop(signal.SIGINT)
    ran = run.end()
    assert seconds < LIMIT_SECONDS
    assert (ran.outcome, ran.exit_code) == ("failed", 130), ran.output
    run.check_gone()
    record_fault(
        fault="SIGINT in the project's own command",
        database=sqlite_stock.name,
        outcome="interrupted",
        lost=0,
    )


@pytest.mark.parametrize("place", ["probe.import", "upgrade.import", "upgrade.configured"])
def test_a_project_that_never_answers_has_a_deadline(
    sqlite_stock: Stock, tmp_path: Path, place: str, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"probe_timeout": 3})
    run = Running(shop, sqlite_stock.url, point=place, action="deaf")
    ran = run.end()
    run.check_gone()
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert ran.result["error"]["kind"] == "probe"
    assert "probe_timeout" in ran.result["error"]["next"]
    assert sqlite_stock.tables() == set()
    write_settings(shop)
    assert promote(shop, sqlite_stock).outcome == "promoted"
    record_fault(
        fault=f"env.py hangs in the {place.partition('.')[0]}",
        database=sqlite_stock.name,
        outcome="failed, then promoted",
        lost=sqlite_stock.count_lost(),
    )


def test_a_worker_that_holds_python_itself_ends_with_its_parent(
    sqlite_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    """No thread of the worker can run while one call in C keeps the interpreter for itself."""
    shop = build_shop(tmp_path / "work")
    add_revision(
        shop,
        "r4",
        HEAD,
        "import re\nprint('begun', flush=True)\nre.match(r'(a|a)*$', 'a' * 60 + 'b')\n",
    )
    write_settings(shop)
    run = Running(shop, sqlite_stock.url)
    run.wait_for_line("begun")
    run.stop(signal.SIGKILL)
    run.check_gone()
    record_fault(
        fault="SIGKILL of the parent, a worker that holds the interpreter",
        database=sqlite_stock.name,
        outcome="gone",
        lost=0,
    )
