"""Signs that this is a bad moment for a migration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database
from ci_migrate.errors import DatabaseFailedError
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LONG_SECONDS = 300
"""A transaction that is open for longer holds back locks and vacuum."""
LAG_SECONDS = 30
FEWEST_FREE_CONNECTIONS = 5

_INVALID_INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
_POSTGRESQL = {
    "a transaction is open for {1} s: pid {0}, app={2}, {3}": f"""
        SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int, application_name, state
        FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND clock_timestamp() - xact_start > interval '{LONG_SECONDS} seconds'""",
    "a session waits for a lock that pid {1} holds: pid {0}, app={2}": """
        SELECT pid, (pg_blocking_pids(pid))[1], application_name FROM pg_stat_activity
        WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0""",
    "a pg_dump is running, which locks every table against changes: pid {0}": """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'pg_dump'""",
    "index {0} is invalid (DROP INDEX CONCURRENTLY {0};)": _INVALID_INDEXES,
    "replica {0} is {1} s behind": f"""
        SELECT application_name, extract(epoch FROM replay_lag)::int FROM pg_stat_replication
        WHERE replay_lag > interval '{LAG_SECONDS} seconds'""",
    "only {0} of {1} connections are free": f"""
        SELECT m.n - c.n, m.n FROM (SELECT count(*)::int AS n FROM pg_stat_activity) c,
        (SELECT setting::int AS n FROM pg_settings WHERE name = 'max_connections') m
        WHERE m.n - c.n < {FEWEST_FREE_CONNECTIONS}""",
}
_MYSQL = {
    "a transaction is open for {1} s: connection {0}": f"""
        SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, NOW())
        FROM information_schema.innodb_trx
        WHERE TIMESTAMPDIFF(SECOND, trx_started, NOW()) > {LONG_SECONDS}""",
    "a session waits: connection {0}, {1}": """
        SELECT id, state FROM information_schema.processlist
        WHERE LOWER(LEFT(state, 11)) = 'waiting for'""",
    "only {0} of {1} connections are free": f"""
        SELECT @@max_connections - COUNT(*), @@max_connections FROM information_schema.processlist
        HAVING @@max_connections - COUNT(*) < {FEWEST_FREE_CONNECTIONS}""",
}


def find_ailments(database: Database) -> tuple[str, ...]:
    """Return what speaks against a migration now, a sentence each; what may not be asked is left out."""
    if database.dialect == "sqlite":
        return tuple(_sqlite(Path(database.address.database)))
    questions = _POSTGRESQL if database.dialect == "postgresql" else _MYSQL
    found: list[str] = []
    with database.session() as session:
        for sentence, statement in questions.items():
            try:
                rows = session.run(partial(_rows, statement))
            except DatabaseFailedError:
                # A role without the right to see replication or processes still sees the rest.
                continue
            found += [sentence.format(*row) for row in rows[:5]]
    return tuple(found)


def find_invalid_indexes(database: Database) -> tuple[str, ...]:
    """Return the names of indexes that a failed concurrent build has left, quoted where they need it."""
    if database.dialect != "postgresql":
        return ()
    rows = database.run(partial(_rows, _INVALID_INDEXES))
    return tuple(row[0] for row in rows)


def _sqlite(path: Path) -> Iterator[str]:
    size = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(path.parent).free
    if free < 2 * size:
        yield f"{free // 10**6} MB are free beside a database of {size // 10**6} MB"


def _rows(statement: str, connection: Connection) -> list[tuple[str, ...]]:
    rows = connection.exec_driver_sql(statement).fetchall()
    return [tuple(one_line(str(part), 80) for part in row) for row in rows]
