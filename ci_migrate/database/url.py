"""Database URLs: spelling, driver and address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DRIVERS = {
    "postgresql": ("psycopg", "psycopg2", "pg8000", "asyncpg"),
    "mysql": ("pymysql", "mysqldb", "mariadbconnector", "asyncmy", "aiomysql"),
    "sqlite": ("pysqlite", "aiosqlite"),
}
"""Drivers to try, in this order, when the URL names none and SQLAlchemy's default is not installed."""


def parse_url(text: str, *, root: Path) -> URL:
    """Return the SQLAlchemy URL of a text; SQLite paths become absolute, seen from `root`.

    `postgres://`, which SQLAlchemy refuses, is read as `postgresql://`.
    Raises ConfigError, without the value, when it is no URL or of a database that is not supported.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if text.startswith(("postgres://", "postgres+")):
        text = "postgresql" + text[len("postgres") :]
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as exc:
        raise _unreadable_url() from exc
    # An `@` or a slash in the password: what follows would be taken for the host or the database, and shown.
    if dialect_of(url) in {"postgresql", "mysql"} and "@" in f"{url.host}{url.database}":
        raise _unreadable_url()
    if dialect_of(url) not in DRIVERS:
        raise ConfigError(
            f"databases of kind {url.get_backend_name()!r} are not supported",
            next_step="ci-migrate works on PostgreSQL, MariaDB/MySQL and SQLite.",
        )
    if dialect_of(url) == "sqlite":
        return _with_absolute_path(url, root)
    if not url.database and not url.query.get("dbname"):
        raise ConfigError(
            "the database URL names no database: the server would choose one, such as that of the role's name",
            next_step="Write it at the end: dialect://user:password@host:port/database.",
        )
    return url


def _unreadable_url() -> ConfigError:
    return ConfigError(
        "the database URL cannot be read (its value is not shown, it may hold a password)",
        next_step="Write it as dialect://user:password@host:port/database and quote `@ : / %` in the"
        " password as %40 %3A %2F %25.",
    )


def dialect_of(url: URL) -> str:
    """Return `postgresql`, `mysql` (also for MariaDB) or `sqlite`."""
    name = url.get_backend_name()
    return "mysql" if name == "mariadb" else str(name)


def address_of(url: URL) -> DatabaseAddress:
    """Return the parts of a URL as plain values."""
    options = {
        key: value if isinstance(value, str) else ",".join(value)
        for key, value in url.query.items()
    }
    host = url.host or options.pop("host", "")
    return DatabaseAddress(
        dialect=dialect_of(url),
        database=url.database or "",
        host=host,
        port=url.port or (int(options["port"]) if options.get("port", "").isdigit() else None),
        user=url.username or options.pop("user", ""),
        password=str(url.password or options.pop("password", "")),
        socket=options.pop("unix_socket", ""),
        options=options,
    )


def spell_url(url: URL) -> str:
    """Return the URL with its login, every sign of it quoted, as a project's settings expect it."""
    if not url.username:
        return str(url.render_as_string(hide_password=False))
    login = quote(url.username, safe="")
    if url.password is not None:
        login += f":{quote(str(url.password), safe='')}"
    # SQLAlchemy 1.4 leaves percent signs as they are, and no version quotes all that other parsers want.
    stand_in = url.set(username="login", password="word")  # noqa: S106 - it is replaced below
    text = str(stand_in.render_as_string(hide_password=False))
    return text.replace("://login:word@", f"://{login}@", 1)


def _with_absolute_path(url: URL, root: Path) -> URL:
    if not url.database or url.database == ":memory:":
        raise ConfigError(
            "an in-memory SQLite database is gone when its process ends and cannot be promoted",
            next_step="Name a file: sqlite:///path/to/app.db (relative to the configuration file).",
        )
    if url.database.startswith("file:"):
        raise ConfigError(
            "a SQLite URL with a `file:` URI in it is not supported",
            next_step="Name the path: sqlite:///path/to/app.db (relative to the configuration file).",
        )
    return url.set(database=str((root / url.database).resolve()))
