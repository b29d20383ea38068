"""The server crashes and is started again in the middle of a promotion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MARIADB, POSTGRES, POSTGRES_DRIVER, without_server
from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.shop import HEAD, build_shop, write_settings
from tests.faults.stock import Stock
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

Server = PostgresServer | MariadbServer


@pytest.fixture(scope="module", params=["PostgreSQL", "MariaDB"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of this module's own: it is going to crash."""
    found: Server
    if request.param == "PostgreSQL":
        if POSTGRES is None:
            without_server("PostgreSQL")
            return
        found = PostgresServer(POSTGRES, driver=POSTGRES_DRIVER, durable=True)
    else:
        if MARIADB is None:
            without_server("MariaDB")
            return
        found = MariadbServer(MARIADB, durable=True)
    yield found
    found.stop()


@pytest.mark.parametrize("place", ["probe.import", "r1.begin", "r2.middle", "upgrade.end"])
def test_a_server_that_restarts(
    server: Server, tmp_path: Path, place: str, record_fault: Record
) -> None:
    url = server.create_database()
    name = "PostgreSQL" if isinstance(server, PostgresServer) else "MariaDB"
    stock = Stock(name=name, url=url, own_url=url).prepare()
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    run = Running(shop, stock.url, point=place)
    run.wait_for_point()
    server.crash_and_restart()
    run.release()
    ran = run.end()
    is_half = place == "r2.middle" and not stock.is_atomic
    expected = ("partial", 6) if is_half else ("failed", 5)
    if place == "upgrade.end":
        expected = ("promoted", 0)
    assert (ran.outcome, ran.exit_code) == expected, ran.output
    if is_half:
        blocked = promote(shop, stock)
        assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
        stock.execute("DROP TABLE orders")
        after = promote(shop, stock, "--undone", "r2")
    else:
        after = promote(shop, stock)
    assert after.exit_code == 0, after.output
    assert stock.version() == HEAD
    lost = stock.count_lost()
    assert lost == 0, stock.journal()
    record_fault(
        fault=f"server restart at {place}",
        database=stock.name,
        outcome=f"{ran.outcome} ({ran.exit_code})",
        lost=lost,
    )
