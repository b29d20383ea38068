"""What is in a database, counted: the rows of every table, and how far the sequences are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
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
    " WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
    "sqlite": "SELECT NULL, name FROM sqlite_master WHERE type = 'table'"
    " AND substr(name, 1, 7) <> 'sqlite_'",
}
_BYTES = {
    "postgresql": "SELECT n.nspname, c.relname, pg_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n"
    f" ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {_OWN}",
    "mysql": "SELECT NULL, table_name, data_length FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
}
_SQLITE_BYTES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_SEQUENCES = {
    "postgresql": "SELECT n.nspname, c.relname, s.last_value FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace JOIN pg_sequences s ON s.schemaname = n.nspname"
    f" AND s.sequencename = c.relname WHERE c.relkind = 'S' AND {_OWN}",
    "mysql": "SELECT NULL, table_name, auto_increment FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND auto_increment IS NOT NULL",
    "sqlite": "SELECT NULL, name, seq FROM sqlite_sequence",
}
_MARIADB_SEQUENCES = (
    "SELECT table_name FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_type = 'SEQUENCE' ORDER BY table_name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Rows of each table, and the last value of each sequence that has been used."""

    rows: Mapping[Name, int]
    sequences: Mapping[Name, int]


def read_contents(session: Session, dialect: str) -> Contents:
    """Count a database in one session; in one transaction where that is in one."""
    tables = session.run(lambda connection: list_countable(connection, dialect))
    return Contents(rows=count_tables(session, tables), sequences=read_sequences(session, dialect))


def list_countable(connection: Connection, dialect: str) -> list[Name]:
    """Return the tables that have rows of their own, sorted."""
    found = [(row[0], str(row[1])) for row in _rows(connection, _TABLES[dialect])]
    return sorted(found, key=lambda name: (name[0] or "", name[1]))


def list_small(connection: Connection, dialect: str, most_bytes: int) -> list[Name]:
    """Return the tables that have rows, the smallest first, as many as together have at most `most_bytes` bytes.

    The sizes are the server's own; SQLite knows only that of the whole database.
    """
    if dialect == "sqlite":
        size = _rows(connection, _SQLITE_BYTES)[0][0]
        return list_countable(connection, dialect) if size <= most_bytes else []
    sizes = {(row[0], str(row[1])): int(row[2] or 0) for row in _rows(connection, _BYTES[dialect])}
    small, total = [], 0
    for name, size in sorted(sizes.items(), key=lambda item: (item[1], str(item[0]))):
        total += size
        if total <= most_bytes:
            small.append(name)
    return small


def count_tables(session: Session, tables: Iterable[Name]) -> dict[Name, int]:
    """Return the rows of each table, each counted in a question of its own."""
    return {name: session.run(partial(_count, name=name)) for name in tables}


def read_sequences(session: Session, dialect: str) -> dict[Name, int]:
    """Return the last value of each sequence that has been used."""

    def read(connection: Connection) -> list[Any]:
        if dialect == "sqlite" and not _has_sequences(connection):
            return []
        return _rows(connection, _SEQUENCES[dialect])

    found = {(row[0], str(row[1])): int(row[2]) for row in session.run(read) if row[2] is not None}
    if dialect == "mysql":
        found |= session.run(_read_mariadb_sequences)
    return found


def _read_mariadb_sequences(connection: Connection) -> dict[Name, int]:
    """Return the next value that no session has reserved yet, of each sequence that is an object of its own."""
    from sqlalchemy import column, select, table

    names = [str(row[0]) for row in _rows(connection, _MARIADB_SEQUENCES)]
    value: Any = column("next_not_cached_value")
    return {
        (None, name): int(connection.execute(select(value).select_from(table(name))).scalar() or 0)
        for name in names
    }


def _count(connection: Connection, name: Name) -> int:
    from sqlalchemy import MetaData, Table, func, select

    # A Table quotes any name, and doubles its percent signs for the drivers that want that.
    table = Table(name[1], MetaData(), schema=name[0])
    count: Any = select(func.count()).select_from(table)
    return int(connection.execute(count).scalar() or 0)


def _has_sequences(connection: Connection) -> bool:
    found = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'"
    return bool(_rows(connection, found)[0][0])


def _rows(connection: Connection, statement: str) -> list[Any]:
    return list(connection.exec_driver_sql(statement).fetchall())
