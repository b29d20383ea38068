"""Finds a connection pooler between us and PostgreSQL, behind which a session lock protects nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ci_migrate.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

PID_BYTES = 4
"""Of the key by which a statement is cancelled; the rest of it is a secret."""


def _ask(connection: Connection, question: str) -> Any:
    return connection.exec_driver_sql(question).scalar()


def is_pooled(connection: Connection, ask: Callable[[Connection, str], Any] = _ask) -> bool:
    """Return whether a pooler is between a connection to PostgreSQL and its server.

    `ask` runs a question on the connection and returns its one value.
    """
    promised = _promised_pid(connection.connection.driver_connection)
    if promised is None:
        return False
    return bool(ask(connection, "SELECT pg_backend_pid()") != promised)


def refuse_pooler(connection: Connection) -> None:
    """Raise ConfigError when the server's process is not the one that our driver shook hands with.

    A pooler answers the handshake itself, with a process number of its own.
    """
    if is_pooled(connection):
        raise ConfigError(
            "there is a connection pooler (such as pgbouncer) between this machine and PostgreSQL: in"
            " transaction mode it hands the lock of one run to another",
            next_step="Name the direct URL of the same database in `lock_url` of the environment; the migrations"
            " themselves may go through the pooler.",
        )


def _promised_pid(driver_connection: Any) -> int | None:
    """Return the process number of the handshake, as psycopg, psycopg2, asyncpg and pg8000 know it."""
    if hasattr(driver_connection, "info") and hasattr(driver_connection.info, "backend_pid"):
        return int(driver_connection.info.backend_pid)
    if hasattr(driver_connection, "get_server_pid"):
        return int(driver_connection.get_server_pid())
    key = getattr(driver_connection, "_backend_key_data", None)  # pg8000 has no other word for it
    if isinstance(key, bytes) and len(key) >= PID_BYTES:
        return int.from_bytes(key[:PID_BYTES], "big", signed=True)
    return None
