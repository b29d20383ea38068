"""A real pgbouncer between ci-migrate and PostgreSQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD, build_shop, write_settings
from tests.faults.stock import Stock
from tests.servers.pgbouncer import Pgbouncer, find_pgbouncer
from tests.servers.postgres import PostgresServer

DRIVERS = ("psycopg", "psycopg2", "asyncpg")
LEFT_LOCKS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def start_pooler(server: PostgresServer, pool_mode: str) -> Iterator[Pgbouncer]:
    program = find_pgbouncer(os.environ.get("PATH", os.defpath))
    if program is None:
        pytest.skip("pgbouncer is not installed here; see tests/README.md")
    pooler = Pgbouncer(program, server, pool_mode)
    yield pooler
    pooler.stop()


@pytest.fixture(scope="module")
def transaction_pooler(postgres: PostgresServer) -> Iterator[Pgbouncer]:
    """One that gives a server connection to whoever has a transaction."""
    yield from start_pooler(postgres, "transaction")


@pytest.fixture(scope="module")
def session_pooler(postgres: PostgresServer) -> Iterator[Pgbouncer]:
    """One that keeps a server connection for as long as a client stays."""
    yield from start_pooler(postgres, "session")


def pooled(stock: Stock, pooler: Pgbouncer, driver: str) -> Stock:
    """Return the database as ci-migrate is to reach it."""
    name = str(sa.engine.make_url(stock.own_url).database)
    return replace(stock, name=f"PostgreSQL {driver}", url=pooler.url(name, driver=driver))


@pytest.fixture(params=DRIVERS)
def pooled_stock(
    request: pytest.FixtureRequest, postgres_stock: Stock, transaction_pooler: Pgbouncer
) -> Stock:
    """A database behind pgbouncer in transaction mode, by each driver."""
    return pooled(postgres_stock, transaction_pooler, request.param)


@pytest.fixture
def pooled_shop(pooled_stock: Stock, tmp_path: Path) -> Path:
    """The project, with an env.py for the driver."""
    folder = build_shop(tmp_path / "work", is_async="asyncpg" in pooled_stock.name)
    write_settings(folder)
    return folder


def test_a_pooler_in_front_of_the_lock_is_refused_and_the_remedy_is_named(
    pooled_stock: Stock, pooled_shop: Path, record_fault: Record
) -> None:
    for _ in range(2):  # the second finds what the first may have left on a pooled connection
        ran = promote(pooled_shop, pooled_stock)
        assert (ran.outcome, ran.exit_code) == ("failed", 2), ran.output
        assert ran.result["error"]["kind"] == "configuration"
        assert "pgbouncer" in ran.result["error"]["message"]
        assert "`lock_url`" in ran.result["error"]["next"]
    assert pooled_stock.query(LEFT_LOCKS) == [(0,)]
    assert pooled_stock.tables() == set()
    record_fault(
        fault="pgbouncer in transaction mode",
        database=pooled_stock.name,
        outcome="refused, lock_url named",
        lost=0,
    )


def test_with_lock_url_the_migrations_go_through_the_pooler(
    pooled_stock: Stock, pooled_shop: Path, record_fault: Record
) -> None:
    write_settings(pooled_shop, {"lock_url": "${DIRECT_URL}", "lock_timeout": "5s"})
    env = {"DIRECT_URL": pooled_stock.own_url}
    ran = promote(pooled_shop, pooled_stock, env=env)
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert promote(pooled_shop, pooled_stock, env=env).outcome == "nothing-to-do"
    assert pooled_stock.version() == HEAD
    lost = pooled_stock.count_lost()
    assert lost == 0
    # Nothing of a run stays on connections that others get after it.
    assert pooled_stock.query(LEFT_LOCKS) == [(0,)]
    engine = sa.create_engine(pooled_stock.url.replace("asyncpg", "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        for setting, value in (("search_path", '"$user", public'), ("lock_timeout", "0")):
            found = {connection.exec_driver_sql(f"SHOW {setting}").scalar() for _ in range(5)}
            assert found == {value}
    record_fault(
        fault="pgbouncer in transaction mode, with lock_url",
        database=pooled_stock.name,
        outcome="promoted",
        lost=lost,
    )


def test_a_cancel_behind_the_pooler_hits_nobody_else(
    postgres_stock: Stock, transaction_pooler: Pgbouncer, tmp_path: Path, record_fault: Record
) -> None:
    stock = pooled(postgres_stock, transaction_pooler, "psycopg")
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"lock_url": "${DIRECT_URL}"})
    env = {"DIRECT_URL": stock.own_url}
    run = Running(shop, stock.url, point="r2.begin", action="statement", env=env)
    run.wait_for_point()
    assert run.stop(signal.SIGINT) < 10
    ran = run.end()
    assert ran.exit_code == 130, ran.output
    assert stock.tables() == set()
    assert promote(shop, stock, env=env).outcome == "promoted"
    lost = stock.count_lost()
    assert lost == 0
    record_fault(
        fault="SIGINT behind pgbouncer", database=stock.name, outcome="interrupted", lost=lost
    )


def test_a_lock_url_of_another_database_is_refused(
    postgres: PostgresServer, postgres_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    """A lock over there would keep nobody from migrating this one."""
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"lock_url": "${DIRECT_URL}"})
    ran = promote(shop, postgres_stock, env={"DIRECT_URL": postgres.create_database()})
    assert (ran.outcome, ran.exit_code) == ("failed", 2), ran.output
    assert "`lock_url`" in ran.result["error"]["message"]
    assert postgres_stock.tables() == set()
    record_fault(
        fault="lock_url of another database",
        database=postgres_stock.name,
        outcome="refused",
        lost=0,
    )


def test_a_pooler_in_session_mode_is_refused_too(
    postgres_stock: Stock, session_pooler: Pgbouncer, tmp_path: Path
) -> None:
    """From outside it cannot be told from the other."""
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    ran = promote(shop, pooled(postgres_stock, session_pooler, "psycopg"))
    assert (ran.outcome, ran.exit_code) == ("failed", 2), ran.output
