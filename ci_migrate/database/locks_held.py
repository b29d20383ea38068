"""Which locks a session of the server holds at this moment, seen from another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Session
from ci_migrate.errors import DatabaseFailedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# From the weakest to the strongest.
_POSTGRESQL = (
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
    *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
)
_MYSQL = (
    *("INTENTION_EXCLUSIVE", "SHARED", "SHARED_HIGH_PRIO", "SHARED_READ", "SHARED_WRITE"),
    *("SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"),
)
STRENGTH = {name: number for names in (_POSTGRESQL, _MYSQL) for number, name in enumerate(names)}
"""How strong a lock mode is among those of its server, by the server's name for it."""


def strength_of(mode: str) -> int:
    """Return how strong a lock mode is among those of its server; an unknown one is the strongest."""
    return STRENGTH.get(mode, len(STRENGTH))


def shows_locks(session: Session, dialect: str) -> bool:
    """Return whether the server shows which locks its sessions hold."""
    if dialect == "postgresql":
        return True
    if dialect == "sqlite":
        return False
    question = (
        "SELECT COUNT(*) FROM performance_schema.setup_instruments WHERE enabled = 'YES' AND name ="
    )
    try:
        found = session.run(
            lambda c: c.exec_driver_sql(f"{question} 'wait/lock/metadata/sql/mdl'").scalar()
        )
    except DatabaseFailedError:
        return False
    return bool(found)


def read_locks(session: Session, dialect: str, server_id: int) -> tuple[tuple[str, str], ...]:
    """Return (table, mode) of every lock that session `server_id` holds on a table."""
    return session.run(lambda connection: tuple(_read(connection, dialect, int(server_id))))


def _read(connection: Connection, dialect: str, number: int) -> Iterator[tuple[str, str]]:
    if dialect == "postgresql":
        statement = (
            "SELECT n.nspname || '.' || c.relname, l.mode FROM pg_locks l"
            " JOIN pg_class c ON c.oid = l.relation"
            " JOIN pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE l.pid = {number} AND l.locktype = 'relation' AND l.granted"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND c.relkind IN ('r', 'p', 'm') AND left(n.nspname, 3) <> 'pg_'"
        )
    else:
        statement = (
            "SELECT m.object_name, m.lock_type FROM performance_schema.metadata_locks m"
            " JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id"
            f" WHERE t.processlist_id = {number} AND m.object_type = 'TABLE'"
            " AND m.object_schema = DATABASE() AND m.lock_status = 'GRANTED'"
        )
    for row in connection.exec_driver_sql(statement).fetchall():
        yield str(row[0]), str(row[1])
