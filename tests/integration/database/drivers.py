"""Every driver that ci-migrate knows, each on a database of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import sqlalchemy as sa

from ci_migrate.database.engine import Database

DRIVERS = {
    "psycopg": "postgres",
    "psycopg2": "postgres",
    "asyncpg": "postgres",
    "pymysql": "mariadb",
    "mysqldb": "mariadb",
    "pysqlite": "sqlite",
    "aiosqlite": "sqlite",
}
MODULES = {"mysqldb": "MySQLdb", "pysqlite": "sqlite3"}


def make_url(request: pytest.FixtureRequest, driver: str, *, tcp: bool = False) -> str:
    """Return the URL of an empty database for a driver; skip where that is not installed.

    `tcp`: over TCP with a password that has every awkward sign; SQLite has neither.
    """
    if importlib.util.find_spec(MODULES.get(driver, driver)) is None:
        pytest.skip(f"{driver} is not installed")
    if driver == "psycopg" and sa.__version__.startswith("1."):
        pytest.skip("SQLAlchemy 1 does not know psycopg 3")
    kind = DRIVERS[driver]
    url: str = request.getfixturevalue(f"{kind}_url")
    if kind == "sqlite":
        return url.replace("sqlite:", f"sqlite+{driver}:")
    server = request.getfixturevalue(kind)
    name = str(sa.engine.make_url(url).database)
    found: str = (server.tcp_url if tcp else server.url)(name, driver=driver)
    return found


def open_database(url: str, *, name: str = "ci-migrate test") -> Database:
    """Return the parent's side of a database."""
    return Database(url, root=Path("/"), name=name)
