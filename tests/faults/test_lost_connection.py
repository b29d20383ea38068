"""The connection to the server is cut, or nothing comes through any more, in every stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.faults.conftest import Record
from tests.faults.running import Running, promote
from tests.faults.sessions import transaction
from tests.faults.shop import HEAD, UNCOUNTED, add_revision, build_shop, write_settings
from tests.faults.stock import Stock, wait_until
from tests.faults.test_races import DUMPS
from tests.promotion import Ran
from tests.servers.proxy import Proxy

ANSWER_SECONDS = 3


@dataclass(frozen=True)
class Line:
    """A database, the proxy through which ci-migrate reaches it, and the project."""

    stock: Stock
    proxy: Proxy
    shop: Path

    def start(self, **options: str) -> Running:
        return Running(self.shop, self.stock.url, **options)


@pytest.fixture(params=["postgres", "mariadb"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Line]:
    """Both servers, by way of a proxy."""
    stock: Stock = request.getfixturevalue(f"{request.param}_stock")
    server = request.getfixturevalue(request.param)
    proxy = Proxy(server.port)
    name = str(sa.engine.make_url(stock.own_url).database)
    url = server.tcp_url(name).replace(f":{server.port}/", f":{proxy.port}/")
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"answer_timeout": ANSWER_SECONDS})
    yield Line(replace(stock, url=url), proxy, shop)
    proxy.close()


BREAKS = {"cut": Proxy.cut, "stalled": Proxy.stall, "refused": Proxy.refuse}


def check_recovers(line: Line, record: Record, fault: str, ran: Ran) -> None:
    """The next run, with the connection back, comes to head and has lost nothing."""
    assert ran.result["error"]["next"], "a failure says what to do next"
    line.proxy.flow()
    line.stock.check_free(seconds=15)
    after = promote(line.shop, line.stock)
    if after.exit_code == 3:  # a revision that is half applied: undone by hand, as the gate says
        gate = next(gate for gate in after.result["gates"] if gate["name"] == "unfinished")
        revision = gate["next"].partition("--undone ")[2][:2]
        line.stock.execute("DROP TABLE IF EXISTS " + {"r2": "orders", "r3": "payments"}[revision])
        after = promote(line.shop, line.stock, "--undone", revision)
    assert after.exit_code == 0, after.output
    assert line.stock.version() == HEAD
    lost = line.stock.count_lost()
    assert lost == 0, line.stock.journal()
    record(
        fault=fault, database=line.stock.name, outcome=f"{ran.outcome} ({ran.exit_code})", lost=lost
    )


def test_a_server_that_is_full_is_not_taken_for_silent(
    postgres_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    write_settings(shop, {"answer_timeout": 3})
    assert promote(shop, postgres_stock).outcome == "promoted"
    role = f"few_{sa.engine.make_url(postgres_stock.url).database}"
    postgres_stock.execute(
        f"CREATE ROLE {role} LOGIN SUPERUSER",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
    )
    stock = replace(postgres_stock, url=postgres_stock.url.replace("//postgres@", f"//{role}@"))
    add_revision(shop, "r4", HEAD, 'op.execute("SELECT pg_sleep(8)")\n')
    run = Running(shop, stock.url)
    sleeps = (
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%%' AND state = 'active'"
    )
    wait_until(lambda: postgres_stock.query(sleeps), 60, "the revision")
    # From now on nobody else gets in; the heartbeat asks anew when its connection is ended.
    postgres_stock.execute(f"ALTER ROLE {role} NOSUPERUSER CONNECTION LIMIT 1")
    postgres_stock.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE left(application_name, 10) = 'ci-migrate'"
        " AND query = 'SELECT 1' AND datname = current_database()"
    )
    ran = run.end()
    assert "no sign of life" not in ran.output
    assert stock.version() == "r4", ran.output
    record_fault(
        fault="a full server during the upgrade",
        database=stock.name,
        outcome=ran.outcome,
        lost=stock.count_lost(),
    )


@pytest.mark.parametrize("how", ["refused", "stalled"])
def test_before_the_lock(line: Line, how: str, record_fault: Record) -> None:
    BREAKS[how](line.proxy)
    ran = line.start().end()
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "connection: cannot connect to" in ran.output
    check_recovers(line, record_fault, f"connection {how} before the lock", ran)


@pytest.mark.parametrize("how", ["cut", "stalled"])
def test_while_waiting_for_the_lock(line: Line, how: str, record_fault: Record) -> None:
    direct = replace(line.stock, url=line.stock.own_url)
    first = Running(line.shop, direct.url, point="r2.begin")
    first.wait_for_point()
    second = line.start()
    second.wait_for_line("waiting for the lock, held by ")
    BREAKS[how](line.proxy)
    ran = second.end()
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert ran.result["error"]["kind"] == "database"
    first.release()
    assert first.end().outcome == "promoted"
    check_recovers(line, record_fault, f"connection {how} while waiting for the lock", ran)


@pytest.mark.parametrize("how", ["cut", "stalled"])
def test_during_the_probe(line: Line, how: str, record_fault: Record) -> None:
    run = line.start(point="probe.import")
    run.wait_for_point()
    BREAKS[how](line.proxy)
    run.release()
    ran = run.end()
    # The project was being loaded, and nobody can look whether that has changed something.
    expected = ("failed", 5) if how == "cut" else ("partial", 6)
    assert (ran.outcome, ran.exit_code) == expected, ran.output
    assert "another" not in ran.result["error"]["message"], "nobody is to look for a wrong database"
    assert line.stock.tables() == set()
    check_recovers(line, record_fault, f"connection {how} during the probe", ran)


@pytest.mark.parametrize("how", ["cut", "stalled"])
def test_during_the_backup(line: Line, how: str, record_fault: Record) -> None:
    line.stock.execute("CREATE TABLE other (id integer)")
    write_settings(line.shop, {"answer_timeout": ANSWER_SECONDS, **UNCOUNTED})
    lock = {"postgresql": "LOCK TABLE other", "mysql": "LOCK TABLES other WRITE"}
    with transaction(line.stock, lock[line.stock.dialect]):
        run = line.start()
        wait_until(lambda: line.stock.query(DUMPS[line.stock.dialect]), 60, "the dump")
        BREAKS[how](line.proxy)
        ran = run.end()
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert ran.result["error"]["kind"] == "backup"
    assert list((line.shop / ".ci-migrate/backups").glob("*")) == [], "half an archive is none"
    assert line.stock.tables() == set()
    check_recovers(line, record_fault, f"connection {how} during the backup", ran)


@pytest.mark.parametrize(
    ("place", "how"), [("r1.begin", "cut"), ("r2.middle", "cut"), ("r2.middle", "stalled")]
)
def test_during_the_upgrade(line: Line, place: str, how: str, record_fault: Record) -> None:
    run = line.start(point=place)
    run.wait_for_point()
    BREAKS[how](line.proxy)
    run.release()
    ran = run.end()
    if how == "cut":
        is_whole = line.stock.is_atomic or place == "r1.begin"
        expected = ("failed", 5) if is_whole else ("partial", 6)
    else:
        expected = ("partial", 6)  # nobody can look, so nobody may say that it is unchanged
        assert ran.result["error"]["kind"] == "silent-server"
        assert "no sign of life" in ran.result["error"]["message"]
    assert (ran.outcome, ran.exit_code) == expected, ran.output
    check_recovers(line, record_fault, f"connection {how} during the upgrade", ran)


@pytest.mark.parametrize("how", ["refused", "stalled"])
def test_before_the_verification(line: Line, how: str, record_fault: Record) -> None:
    run = line.start(point="upgrade.end")
    run.wait_for_point()
    BREAKS[how](line.proxy)
    run.release()
    ran = run.end()
    expected = ("unverified", 7)
    if how == "stalled" and not line.stock.is_atomic:
        expected = (
            "partial",
            6,
        )  # PyMySQL asks when it says good-bye, and so the upgrade was not seen to end
    assert (ran.outcome, ran.exit_code) == expected, ran.output
    check_recovers(line, record_fault, f"connection {how} before the verification", ran)
