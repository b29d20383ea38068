"""Each sign of the gate `health` on a real server, and what `warn`, `block` and `off` make of it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from ci_migrate.database.engine import Database
from ci_migrate.database.health import Limits, find_ailments, find_invalid_indexes
from tests.faults.conftest import Record
from tests.faults.running import promote
from tests.faults.sessions import HOLD_JOURNAL, READ_JOURNAL, start_waiting, transaction
from tests.faults.shop import build_shop, write_settings
from tests.faults.stock import Stock, wait_until
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.servers.replica import Replica

WRITE_JOURNAL = "INSERT INTO journal (what) VALUES ('later')"
DROP_JOURNAL = "ALTER TABLE journal ADD COLUMN more integer"


def ailments(stock: Stock, **limits: float) -> str:
    """Return what speaks against a migration, as one text."""
    database = Database(stock.url, root=Path("/"))
    # InnoDB shows what it showed before to who asks again within a tenth of a second.
    time.sleep(0.15)
    return "\n".join(find_ailments(database, Limits(**limits)))  # type: ignore[arg-type]


def execute_alone(stock: Stock, statement: str) -> None:
    """Run a statement that may not be in a transaction."""
    engine = sa.create_engine(stock.own_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture(params=["postgres", "mariadb"])
def server_stock(request: pytest.FixtureRequest) -> Stock:
    """Both servers."""
    found: Stock = request.getfixturevalue(f"{request.param}_stock")
    return found


def test_a_transaction_that_is_open_for_long(server_stock: Stock) -> None:
    assert ailments(server_stock, long_seconds=1) == ""
    with transaction(server_stock, WRITE_JOURNAL) as number:
        words = "a transaction is open for "
        wait_until(lambda: words in ailments(server_stock, long_seconds=1), 10, words)
        told = ailments(server_stock, long_seconds=1)
        if server_stock.dialect == "postgresql":
            assert f"pid {number}, app=psql of Ada, idle in transaction" in told
        else:
            assert f"connection {number}" in told
        assert ailments(server_stock) == "", "an hour later it would be told"


def test_a_session_that_waits_for_a_row(server_stock: Stock) -> None:
    with transaction(server_stock, HOLD_JOURNAL[server_stock.dialect]) as number:
        thread = start_waiting(server_stock, WRITE_JOURNAL)
        words = {
            "postgresql": f"a session waits for a lock that pid {number} holds: pid ",
            "mysql": "a session waits for the lock of a row: connection ",
        }[server_stock.dialect]
        wait_until(lambda: words in ailments(server_stock), 10, words)
    thread.join(timeout=30)


def test_a_session_that_waits_for_a_table_of_mariadb(mariadb_stock: Stock) -> None:
    with transaction(mariadb_stock, READ_JOURNAL):
        thread = start_waiting(mariadb_stock, DROP_JOURNAL)
        words = "a session waits for the lock of a table: connection "
        wait_until(lambda: words in ailments(mariadb_stock), 10, words)
        assert "Waiting for table metadata lock" in ailments(mariadb_stock)
    thread.join(timeout=30)


def test_a_pg_dump_that_runs(postgres: PostgresServer, postgres_stock: Stock) -> None:
    """It waits for a table, so that it runs for as long as the test looks."""
    name = sa.engine.make_url(postgres_stock.own_url).database
    with transaction(postgres_stock, HOLD_JOURNAL["postgresql"]):
        command = [postgres.bindir / "pg_dump", "-h", postgres.socket_dir, "-U", "postgres", name]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={"PATH": os.defpath}) as dump:  # type: ignore[list-item]
            words = "a pg_dump is running, which locks every table against changes: pid "
            wait_until(lambda: words in ailments(postgres_stock), 20, words)
            dump.terminate()


def test_a_dump_of_mariadb_that_runs(mariadb: MariadbServer, mariadb_stock: Stock) -> None:
    mariadb_stock.execute(
        "CREATE TABLE big (word varchar(1000))",
        "INSERT INTO big SELECT REPEAT('x', 1000) FROM seq_1_to_60000",
    )
    name = str(sa.engine.make_url(mariadb_stock.own_url).database)
    command = ["mariadb-dump", "--no-defaults", f"--socket={mariadb.socket}", "--user=root", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as dump:
        # Nobody reads what it writes: it stands still in the middle of a table.
        words = "a dump is running, which keeps every table from being changed: connection "
        wait_until(lambda: words in ailments(mariadb_stock), 20, words)
        dump.kill()


def test_an_invalid_index_is_named_with_the_command_that_removes_it(postgres_stock: Stock) -> None:
    quoted = '"Ix ""of"" ' + "journal, " * 5 + '"'
    postgres_stock.execute('CREATE SCHEMA "of the shop"')
    postgres_stock.execute('CREATE TABLE "of the shop".journal AS SELECT * FROM public.journal')
    build = f'CREATE UNIQUE INDEX CONCURRENTLY {quoted} ON "of the shop".journal (what)'
    with pytest.raises(SQLAlchemyError, match="duplicate"):
        execute_alone(postgres_stock, build)
    command = ailments(postgres_stock).partition("(")[2].rpartition(")")[0]
    assert command == f'DROP INDEX CONCURRENTLY "of the shop".{quoted};'
    execute_alone(postgres_stock, command)
    assert ailments(postgres_stock) == ""


def test_an_index_that_is_being_built_is_not_called_invalid(postgres_stock: Stock) -> None:
    database = Database(postgres_stock.url, root=Path("/"))
    with transaction(postgres_stock, WRITE_JOURNAL):
        build = "CREATE INDEX CONCURRENTLY being_built ON journal (what)"
        thread = Thread(target=execute_alone, args=(postgres_stock, build), daemon=True)
        thread.start()
        there = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('being_built')"
        wait_until(lambda: postgres_stock.query(there), 10, "the index to be there")
        assert postgres_stock.query(there) == [(False,)]
        assert find_invalid_indexes(database) == ()
    thread.join(timeout=30)
    assert postgres_stock.query(there) == [(True,)]


def test_a_replica_that_stands_still(postgres: PostgresServer, tmp_path: Path) -> None:
    with Replica(postgres.bindir) as replica:
        stock = Stock(name="PostgreSQL", url=replica.url, own_url=replica.url).prepare()
        assert ailments(stock, lag_bytes=1_000_000) == ""
        replica.pause()
        stock.execute(
            "INSERT INTO journal (what) SELECT repeat('x', 1000) FROM generate_series(1, 3000)"
        )
        words = "replica walreceiver is "
        wait_until(lambda: words in ailments(stock, lag_bytes=1_000_000), 10, words)
        assert " MB behind" in ailments(stock, lag_bytes=1_000_000)
        stock.execute(
            "BEGIN; INSERT INTO journal (what) VALUES ('x'); PREPARE TRANSACTION 'left''over'"
        )
        words = "a transaction is prepared and open for 1 s: 'left''over' (COMMIT PREPARED"
        wait_until(lambda: words in ailments(stock, long_seconds=1), 10, words)


def test_few_free_connections(server_stock: Stock) -> None:
    assert ailments(server_stock) == ""
    told = ailments(server_stock, free_connections=10_000)
    assert told.startswith("only ")
    assert " connections are free" in told


def test_little_room_beside_a_sqlite_database(sqlite_stock: Stock) -> None:
    assert ailments(sqlite_stock) == ""
    os.truncate(sqlite_stock.file, 10**13)  # of holes, which take no room
    assert " MB are free beside a database of 10000000 MB" in ailments(sqlite_stock)


@pytest.mark.parametrize("mode", ["block", "warn", "off"])
def test_what_the_configuration_makes_of_an_invalid_index(
    postgres_stock: Stock, tmp_path: Path, mode: str, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"gates": {"health": mode}})
    with pytest.raises(SQLAlchemyError, match="duplicate"):
        execute_alone(postgres_stock, "CREATE UNIQUE INDEX CONCURRENTLY broken ON journal (what)")
    ran = promote(shop, postgres_stock)
    gate = next(gate for gate in ran.result["gates"] if gate["name"] == "health")
    if mode == "block":
        assert (ran.outcome, ran.exit_code, gate["outcome"]) == ("blocked", 3, "failed"), ran.output
        assert "DROP INDEX CONCURRENTLY broken;" in gate["message"]
        assert gate["next"]
        assert postgres_stock.tables() == set()
        execute_alone(postgres_stock, "DROP INDEX CONCURRENTLY broken;")
        assert promote(shop, postgres_stock).exit_code == 0
    else:
        assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
        assert gate["outcome"] == {"warn": "warned", "off": "skipped"}[mode]
        assert ("warning  health: " in ran.output) == (mode == "warn"), ran.output
    lost = postgres_stock.count_lost()
    assert lost == 0
    record_fault(
        fault=f"a sign of bad health, gate set to {mode}",
        database=postgres_stock.name,
        outcome=ran.outcome,
        lost=lost,
    )
