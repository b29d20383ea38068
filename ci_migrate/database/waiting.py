"""Who waits for whom on the server, while a migration runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Session
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

MOST_HOLDERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one session waits for, and how many wait for it."""

    description: str
    """Empty when it waits for nothing."""
    queue: int
    """Sessions that wait behind it. MariaDB and MySQL do not tell behind whom: all that wait for a table."""


def read_waiting(session: Session, dialect: str, server_id: int) -> Waiting:
    """Return what session `server_id` waits for, asked on a connection of our own."""
    if dialect == "postgresql":
        return session.run(lambda connection: _postgresql(connection, int(server_id)))
    return session.run(lambda connection: _mysql(connection, int(server_id)))


def _postgresql(connection: Connection, pid: int) -> Waiting:
    wanted = _first(
        connection,
        "SELECT w.mode, coalesce(w.relation::regclass::text, w.locktype),"
        " extract(epoch FROM clock_timestamp() - a.query_start)::int"
        " FROM pg_locks w JOIN pg_stat_activity a ON a.pid = w.pid"
        f" WHERE w.pid = {pid} AND NOT w.granted LIMIT 1",
    )
    queue = connection.exec_driver_sql(
        f"SELECT count(*) FROM pg_stat_activity s WHERE {pid} = ANY (pg_blocking_pids(s.pid))"
    ).scalar()
    if wanted is None:
        return Waiting(description="", queue=int(queue or 0))
    holders = connection.exec_driver_sql(
        "SELECT p.pid, b.application_name, b.state, to_char(b.state_change AT TIME ZONE 'UTC',"
        f" 'HH24:MI:SS') FROM unnest(pg_blocking_pids({pid})) AS p(pid)"
        f" LEFT JOIN pg_stat_activity b ON b.pid = p.pid LIMIT {MOST_HOLDERS}"
    ).fetchall()
    held = "; ".join(_holder(*row) for row in holders) or "nobody any more"
    mode = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(wanted[0]).removesuffix("Lock")).upper()
    text = f"waiting {wanted[2]} s for {mode} on {one_line(str(wanted[1]), 140)}, held by {held}"
    return Waiting(description=text, queue=int(queue or 0))


def _holder(pid: int, name: str | None, state: str | None, since: str | None) -> str:
    if pid == 0:
        return "a prepared transaction (see pg_prepared_xacts)"
    if state is None:
        return f"pid {pid}"  # gone in this moment, or not shown to this role
    return f"pid {pid}, app={one_line(name or '-', 60)}, {state} since {since} UTC"


def _mysql(connection: Connection, number: int) -> Waiting:
    row = _first(
        connection,
        f"SELECT LOWER(state), time FROM information_schema.processlist WHERE id = {number}",
    )
    others = connection.exec_driver_sql(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()"
        f" AND id <> {number} AND LOWER(LEFT(state, 17)) = 'waiting for table'"
    ).scalar()
    queue = int(others or 0)
    state = str(row[0] or "") if row else ""
    if row is None or not state.startswith("waiting for"):
        return Waiting(description="", queue=queue)
    held = _open_transactions(connection, number)
    text = f"{one_line(state)}, {row[1]} s; open transactions: {held or 'none shown'}"
    return Waiting(description=text, queue=queue)


def _open_transactions(connection: Connection, number: int) -> str:
    """Return those who may hold what a session waits for: the server does not say who does."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        rows = connection.exec_driver_sql(
            "SELECT t.trx_mysql_thread_id, p.user, p.command, p.time, t.trx_started"
            " FROM information_schema.innodb_trx t JOIN information_schema.processlist p"
            f" ON p.id = t.trx_mysql_thread_id WHERE p.id <> {number}"
            f" ORDER BY t.trx_started LIMIT {MOST_HOLDERS}"
        ).fetchall()
    except SQLAlchemyError:
        return "not shown to this role (it needs PROCESS)"
    return "; ".join(
        f"connection {row[0]}, user={one_line(str(row[1]), 60)}, {row[2]} for {row[3]} s,"
        f" in its transaction since {row[4]}"
        for row in rows
    )


def _first(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).first()
