"""What is in a database, counted: the rows of every table, and how far the sequences are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Session

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Name = tuple["str | None", str]
"""Schema (None on MariaDB and SQLite) and name."""

_OWN = """n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_' AND NOT EXISTS (
    SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
# A partitioned table has no rows of its own; those of its partitions are counted there.
_TABLES = {
    "postgresql": "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n"
    f" ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {_OWN}",
    "mysql": "SELECT NULL, table_name FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    "sqlite": "SELECT NULL, name FROM sqlite_master WHERE type = 'table'"
    " AND substr(name, 1, 7) <> 'sqlite_'",
}
_SEQUENCES = {
    "postgresql": "SELECT n.nspname, c.relname, s.last_value FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace JOIN pg_sequences s ON s.schemaname = n.nspname"
    f" AND s.sequencename = c.relname WHERE c.relkind = 'S' AND {_OWN}",
    "mysql": "SELECT NULL, table_name, auto_increment FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL",
    "sqlite": "SELECT NULL, name, seq FROM sqlite_sequence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Rows of each table, and the last value of each sequence that has been used."""

    rows: Mapping[Name, int]
    sequences: Mapping[Name, int]


def read_contents(session: Session, dialect: str) -> Contents:
    """Count a database in one session; in one transaction where that is in one."""
    return session.run(lambda connection: _read(connection, dialect))


def count_rows(connection: Connection, tables: Iterable[Name]) -> Iterator[tuple[Name, int]]:
    """Yield each table with the number of its rows."""
    from sqlalchemy import MetaData, Table, func, select

    for schema, name in tables:
        # A Table quotes any name, and doubles its percent signs for the drivers that want that.
        table = Table(name, MetaData(), schema=schema)
        count: Any = select(func.count()).select_from(table)
        yield (schema, name), int(connection.execute(count).scalar() or 0)


def _read(connection: Connection, dialect: str) -> Contents:
    tables = [(row[0], str(row[1])) for row in _rows(connection, _TABLES[dialect])]
    sequences: list[Any] = []
    if dialect != "sqlite" or _has_sequences(connection):
        sequences = _rows(connection, _SEQUENCES[dialect])
    return Contents(
        rows=dict(count_rows(connection, sorted(tables, key=lambda t: (t[0] or "", t[1])))),
        sequences={(row[0], str(row[1])): int(row[2]) for row in sequences if row[2] is not None},
    )


def _has_sequences(connection: Connection) -> bool:
    found = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'"
    return bool(_rows(connection, found)[0][0])


def _rows(connection: Connection, statement: str) -> list[Any]:
    return list(connection.exec_driver_sql(statement).fetchall())
