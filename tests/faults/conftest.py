"""The databases of the fault tests, and the table that they end with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.shop import build_shop, write_settings
from tests.faults.stock import Stock
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy

KEY = "fault"
Record = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def record_fault(request: pytest.FixtureRequest) -> Record:
    """Tell the table what was injected, how it ended, and how many rows were lost or doubled."""

    def record(*, fault: str, database: str, outcome: str, lost: int) -> None:
        # A property of the test: it reaches the process that prints, also from another one.
        request.node.user_properties.append((KEY, (fault, database, outcome, lost)))

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print faults injected, database, outcome, data lost."""
    counted: Counter[tuple[str, str, str]] = Counter()
    lost: Counter[tuple[str, str, str]] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "teardown":
                continue
            for name, value in report.user_properties:
                if name == KEY:
                    counted[tuple(value[:3])] += 1
                    lost[tuple(value[:3])] += value[3]
    if not counted:
        return
    terminalreporter.section("faults injected")
    row = "{:58} {:18} {:34} {:>5} {:>9}"
    terminalreporter.line(row.format("fault", "database", "outcome", "times", "rows lost"))
    for key in sorted(counted):
        terminalreporter.line(row.format(*key, counted[key], lost[key]))
    total = f"{sum(counted.values())} faults, {sum(lost.values())} rows lost or doubled"
    terminalreporter.line(total, bold=True)


@pytest.fixture
def postgres_stock(postgres: PostgresServer) -> Iterator[Stock]:
    """A PostgreSQL database, reached by psycopg."""
    url = postgres.create_database()
    yield Stock(name="PostgreSQL", url=url, own_url=url).prepare()
    postgres.drop_database(url.partition("?")[0].rpartition("/")[2])


def _with_driver(stock: Stock, driver: str) -> Stock:
    url = f"postgresql+{driver}" + stock.url[stock.url.index("://") :]
    return Stock(name=f"PostgreSQL {driver}", url=url, own_url=stock.own_url)


@pytest.fixture
def psycopg2_stock(postgres_stock: Stock) -> Stock:
    """A PostgreSQL database, reached by psycopg2."""
    return _with_driver(postgres_stock, "psycopg2")


@pytest.fixture
def asyncpg_stock(postgres_stock: Stock) -> Stock:
    """A PostgreSQL database, reached by asyncpg."""
    return _with_driver(postgres_stock, "asyncpg")


@pytest.fixture
def mariadb_stock(mariadb: MariadbServer) -> Stock:
    """A MariaDB database."""
    url = mariadb.create_database()
    return Stock(name="MariaDB", url=url, own_url=url).prepare()


@pytest.fixture
def sqlite_stock(tmp_path: Path) -> Stock:
    """A SQLite database."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    return Stock(name="SQLite", url=url, own_url=url).prepare()


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def stock(request: pytest.FixtureRequest) -> Stock:
    """Each of the three databases."""
    found: Stock = request.getfixturevalue(f"{request.param}_stock")
    return found


@pytest.fixture
def shop(stock: Stock, tmp_path: Path) -> Path:
    """The project in a folder of its own, with a configuration."""
    folder = build_shop(tmp_path / "work", is_async="asyncpg" in stock.name)
    write_settings(folder)
    return folder


@pytest.fixture
def postgres_proxy(postgres: PostgresServer) -> Iterator[Proxy]:
    """A proxy in front of the PostgreSQL server."""
    proxy = Proxy(postgres.port)
    yield proxy
    proxy.close()


@pytest.fixture
def mariadb_proxy(mariadb: MariadbServer) -> Iterator[Proxy]:
    """A proxy in front of the MariaDB server."""
    proxy = Proxy(mariadb.port)
    yield proxy
    proxy.close()
