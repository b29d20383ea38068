"""The database while it is dumped: counted so that the archive can be compared with it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ci_migrate.database.contents import (
    Contents,
    Name,
    count_tables,
    list_countable,
    list_small,
    read_contents,
    read_sequences,
)
from ci_migrate.database.engine import Database, Session
from ci_migrate.errors import DatabaseFailedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Extent = Literal["small", "rows", "everything"]
"""`small`: the rows of small tables, `rows`: those of all, `everything`: and the sequences."""

MOST_BYTES = 512 << 20
"""What `small` tables have together: counted in a second or so, where the dump of them takes ten."""
_EMPTY = Contents(rows={}, sequences={})
# The transaction lasts as long as the dump does, and does nothing meanwhile.
_EXPORT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL row_security = off",
)
_WRITTEN = """
    SELECT table_name, CAST(update_time AS CHAR) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"""
_WRITTEN_POSTGRESQL = """
    SELECT relname, CAST(sum(n_tup_ins + n_tup_upd + n_tup_del) AS text) FROM pg_stat_user_tables GROUP BY relname"""
# A backup waits for a table that somebody holds, a count that it can do without does not.
_HURRY = {
    "postgresql": "SET lock_timeout = '5s'",
    "mysql": "SET SESSION lock_wait_timeout = 5",
}


@dataclass(kw_only=True)
class Source:
    """A database that is being dumped; complete once `settle` was called."""

    snapshot: str = ""
    """Name of the PostgreSQL snapshot that the dump has to use; empty elsewhere."""
    before: Contents = _EMPTY
    after: Contents = _EMPTY
    """The same tables after the dump; equal to `before` where one snapshot served both."""
    written: frozenset[Name] = field(default_factory=frozenset)
    """Tables that somebody may have written to meanwhile: their rows are not comparable."""
    settle: Callable[[], None] = lambda: None
    """Called right after the dump: finds out what was written meanwhile."""

    def exact_rows(self) -> dict[Name, int]:
        """Return the rows of the tables that the dump holds exactly so; asked right after the dump."""
        self.settle()
        return {name: n for name, n in self.before.rows.items() if name not in self.written}

    def leave_only(self, tables: Iterable[Name]) -> None:
        """Forget the tables that the dump was told to leave out, and then the sequences: some are theirs."""
        left_out = {*self.before.rows, *self.after.rows} - set(tables)
        if not left_out & set(self.before.rows):
            return
        self.before, self.after = (
            Contents(rows={n: c for n, c in one.rows.items() if n not in left_out}, sequences={})
            for one in (self.before, self.after)
        )
        self.written -= left_out


@contextmanager
def watched_source(
    database: Database, extent: Extent, *, shares_snapshot: bool = True
) -> Iterator[Source]:
    """Count a database around a dump of it, which the body makes.

    PostgreSQL: body and counts see one snapshot, unless the body is something that cannot share it. Otherwise, and on
    MariaDB and SQLite: counted before and after, and what was written in between is known to have been. Short of
    `everything`, what cannot be counted is left out.
    """
    if database.is_missing_file:
        yield Source()
    elif database.dialect == "postgresql" and shares_snapshot:
        with database.session(autocommit=False, is_watched=True) as session:
            yield _one_snapshot(session, extent)
    else:
        with database.session(is_watched=True) as session:
            yield _twice(session, database.dialect, extent)


def _one_snapshot(session: Session, extent: Extent) -> Source:
    source = Source(snapshot=session.run(_export))
    source.before = source.after = _count_and_let_go(session, extent)

    def settle() -> None:
        # Sequences know no snapshot: they may have gone on.
        if extent == "everything":
            sequences = read_sequences(session, "postgresql")
            source.after = Contents(rows=source.before.rows, sequences=sequences)

    source.settle = settle
    return source


def _export(connection: Connection) -> str:
    for statement in _EXPORT:
        connection.exec_driver_sql(statement).close()
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar())


def _twice(session: Session, dialect: str, extent: Extent) -> Source:
    began, marks = session.run(lambda connection: _marks(connection, dialect))
    source = Source(before=_count(session, dialect, extent))

    def settle() -> None:
        source.after = _count(session, dialect, extent)
        _, later = session.run(lambda connection: _marks(connection, dialect))

        def is_written(name: Name) -> bool:
            # The mark is a time without fractions: one of the second in which we began proves nothing.
            mark = later.get(name[1], "")
            has_mark_moved = marks.get(name[1], "") != mark or (bool(began) and mark >= began)
            return has_mark_moved or source.before.rows.get(name) != source.after.rows.get(name)

        source.written = frozenset(filter(is_written, {*source.before.rows, *source.after.rows}))

    source.settle = settle
    return source


def _count_and_let_go(session: Session, extent: Extent) -> Contents:
    # Given back with the savepoint are the locks of the tables: an ALTER TABLE that waits for one of them would keep
    # pg_dump waiting behind it, and we would wait for pg_dump.
    _execute(session, "SAVEPOINT counting")
    contents = _count(session, "postgresql", extent)
    _execute(session, "ROLLBACK TO SAVEPOINT counting")
    return contents


def _count(session: Session, dialect: str, extent: Extent) -> Contents:
    if extent == "everything":
        return read_contents(session, dialect)
    if dialect in _HURRY:
        _execute(session, _HURRY[dialect])
    try:
        tables = session.run(
            lambda connection: (
                list_small(connection, dialect, MOST_BYTES)
                if extent == "small"
                else list_countable(connection, dialect)
            )
        )
        return Contents(rows=count_tables(session, tables), sequences={})
    except DatabaseFailedError:
        # Somebody holds a table, or the role may not read one. The dump will say so if it matters.
        return _EMPTY


def _execute(session: Session, statement: str) -> None:
    session.run(lambda connection: connection.exec_driver_sql(statement).close())


def _marks(connection: Connection, dialect: str) -> tuple[str, dict[str, str]]:
    """Return the server's time (empty on SQLite), and for each table what changes with every write."""
    if dialect == "postgresql":
        counted = connection.exec_driver_sql(_WRITTEN_POSTGRESQL).fetchall()
        return "", {str(row[0]): str(row[1]) for row in counted}
    if dialect == "sqlite":
        version = str(connection.exec_driver_sql("PRAGMA data_version").scalar())
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").fetchall()
        return "", {str(row[0]): version for row in tables}
    now = str(connection.exec_driver_sql("SELECT CAST(NOW() AS CHAR)").scalar())
    rows = connection.exec_driver_sql(_WRITTEN).fetchall()
    return now, {str(row[0]): str(row[1] or "") for row in rows}
