"""Who waits for whom on the server, while a migration runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Session
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one session waits for, and how many wait for it."""

    description: str
    """Empty when it waits for nothing."""
    queue: int
    """Sessions that wait behind it; always 0 where the server does not tell."""


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
        "SELECT b.pid, b.application_name, b.state, to_char(b.xact_start AT TIME ZONE 'UTC',"
        " 'HH24:MI:SS') FROM unnest(pg_blocking_pids("
        f"{pid})) AS p(pid) JOIN pg_stat_activity b ON b.pid = p.pid LIMIT 3"
    ).fetchall()
    mode = str(wanted[0]).removesuffix("Lock")
    held = "; ".join(
        f"pid {h[0]}, app={one_line(h[1] or '-', 60)}, {h[2]}, in its transaction since {h[3]} UTC"
        for h in holders
    )
    text = (
        f"waiting {wanted[2]} s for {mode} on {one_line(str(wanted[1]), 80)}, held by {held or '?'}"
    )
    return Waiting(description=text, queue=int(queue or 0))


def _mysql(connection: Connection, number: int) -> Waiting:
    row = _first(
        connection,
        f"SELECT state, time FROM information_schema.processlist WHERE id = {number}",
    )
    if row is None or not str(row[0]).lower().startswith("waiting for"):
        return Waiting(description="", queue=0)
    others = connection.exec_driver_sql(
        "SELECT trx_mysql_thread_id, trx_started FROM information_schema.innodb_trx"
        f" WHERE trx_mysql_thread_id <> {number} ORDER BY trx_started LIMIT 3"
    ).fetchall()
    held = "; ".join(
        f"connection {other[0]}, in its transaction since {other[1]}" for other in others
    )
    text = f"{one_line(str(row[0]))}, {row[1]} s; open transactions: {held or 'none shown'}"
    return Waiting(description=text, queue=0)


def _first(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).first()
