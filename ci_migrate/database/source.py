"""The database while it is dumped: counted so that the archive can be compared with it afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci_migrate.database.contents import Contents, Name, read_contents
from ci_migrate.database.engine import Database, Session

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

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
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"""


@dataclass(kw_only=True)
class Source:
    """A database that is being dumped; complete when the context that yielded it has ended."""

    snapshot: str = ""
    """Name of the PostgreSQL snapshot that the dump has to use; empty elsewhere."""
    before: Contents = _EMPTY
    after: Contents = _EMPTY
    """The same tables after the dump; equal to `before` where one snapshot served both."""
    written: frozenset[Name] = field(default_factory=frozenset)
    """Tables that somebody may have written to meanwhile: their rows are not comparable."""

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
def watched_source(database: Database) -> Iterator[Source]:
    """Count a database around a dump of it, which the body makes.

    PostgreSQL: body and counts see one snapshot. MariaDB and SQLite: counted before and after, and what was
    written in between is known to have been.
    """
    if database.is_missing_file:
        yield Source()
    elif database.dialect == "postgresql":
        with database.session(autocommit=False) as session:
            yield from _one_snapshot(session)
    else:
        with database.session() as session:
            yield from _twice(session, database.dialect)


def _one_snapshot(session: Session) -> Iterator[Source]:
    source = Source(snapshot=session.run(_export))
    source.before = read_contents(session, "postgresql")
    yield source
    # Sequences know no snapshot: they may have gone on.
    source.after = read_contents(session, "postgresql")


def _export(connection: Connection) -> str:
    for statement in _EXPORT:
        connection.exec_driver_sql(statement).close()
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar())


def _twice(session: Session, dialect: str) -> Iterator[Source]:
    began, marks = session.run(lambda connection: _marks(connection, dialect))
    source = Source(before=read_contents(session, dialect))
    yield source
    source.after = read_contents(session, dialect)
    _, later = session.run(lambda connection: _marks(connection, dialect))

    def is_written(name: Name) -> bool:
        # The mark is a time without fractions: one of the second in which we began proves nothing.
        mark = later.get(name[1], "")
        has_mark_moved = marks.get(name[1], "") != mark or (bool(began) and mark >= began)
        return has_mark_moved or source.before.rows.get(name) != source.after.rows.get(name)

    source.written = frozenset(filter(is_written, {*source.before.rows, *source.after.rows}))


def _marks(connection: Connection, dialect: str) -> tuple[str, dict[str, str]]:
    """Return the server's time (empty on SQLite), and for each table what changes with every write."""
    if dialect == "sqlite":
        version = str(connection.exec_driver_sql("PRAGMA data_version").scalar())
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").fetchall()
        return "", {str(row[0]): version for row in tables}
    now = str(connection.exec_driver_sql("SELECT CAST(NOW() AS CHAR)").scalar())
    rows = connection.exec_driver_sql(_WRITTEN).fetchall()
    return now, {str(row[0]): str(row[1] or "") for row in rows}
