"""The URL of another database that a project is to take for its own: same spelling, another place."""

from __future__ import annotations

from pathlib import Path

from ci_migrate.database.url import dialect_of, parse_url, spell_url

_KEPT_OPTIONS = {
    "options",
    "charset",
    "collation",
    "init_command",
    "use_unicode",
    "binary_prefix",
    "sql_mode",
    "client_flag",
    "autocommit",
}
"""Options of a URL that say how to work with a database, and not where it is."""


def url_on_socket(like: str, *, root: Path, user: str, database: str, socket: Path) -> str:
    """Return the URL of a database behind a Unix socket, spelled as `like` and for the same driver.

    `socket` is the folder of PostgreSQL's socket, or the path of MariaDB's.
    """
    from sqlalchemy.engine import URL

    url = parse_url(like, root=root)
    query = {name: value for name, value in url.query.items() if name in _KEPT_OPTIONS}
    if dialect_of(url) == "mysql":
        query["unix_socket"] = str(socket)
    elif url.drivername.endswith("+pg8000"):
        query["unix_sock"] = str(socket / ".s.PGSQL.5432")
    else:
        query |= {"host": str(socket), "port": "5432"}  # or PGPORT would name another socket
    other = URL.create(url.drivername, username=user, database=database, query=query)
    return _spelled_as(like, spell_url(other))


def url_of_database(server: str, *, root: Path, database: str, like: str) -> str:
    """Return the URL of a database of another server, for the same driver as `like`."""
    return _spelled_as(like, spell_url(parse_url(server, root=root).set(database=database)))


def url_of_file(like: str, path: Path) -> str:
    """Return the URL of a SQLite file, for the same driver as `like`."""
    return f"{like.partition('://')[0]}:///{path}"


def _spelled_as(like: str, text: str) -> str:
    # Projects look at the beginning of their URL, and rewrite what they expect there.
    return like.partition("://")[0] + "://" + text.partition("://")[2]
