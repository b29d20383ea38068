"""What is in the database: its tables, and a snapshot of its schema to tell whether it changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database
from ci_migrate.database.schema_facts import SCHEMA_FACTS
from ci_migrate.errors import DatabaseFailedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LOCK_NOT_AVAILABLE = "55P03"
"""SQLSTATE of PostgreSQL."""
LOCK_WAIT_SECONDS = 45
"""How long the look at the schema waits for a table that somebody holds: less than `answer_timeout` is by default."""
# No LIKE: a percent sign in driver SQL is a parameter to some drivers.
_OWN_SCHEMAS = "n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'"
_TABLES = {
    "postgresql": f"""
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND {_OWN_SCHEMAS} AND NOT EXISTS (
            SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
            AND d.objid = c.oid AND d.deptype = 'e')""",
    "mysql": """
        SELECT NULL, table_name FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')""",
    "sqlite": """
        SELECT NULL, name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'""",
}


_SIZES = {
    "postgresql": "SELECT pg_database_size(current_database())",
    # As text a row takes more room than in its table.
    "mysql": "SELECT CAST(2 * SUM(data_length) AS UNSIGNED) FROM information_schema.tables"
    " WHERE table_schema = DATABASE()",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
}
_PROPERTIES = {
    "postgresql": "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database"
    " WHERE datname = current_database()",
    "mysql": "SELECT @@character_set_database, @@collation_database",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The schema as a set of facts; equal snapshots mean an unchanged schema (rows are not looked at)."""

    facts: frozenset[tuple[str, ...]]

    @property
    def has_tables(self) -> bool:
        """Whether there is a table or a view."""
        return any(fact[0] in {"relation", "table", "view"} for fact in self.facts)

    def changed_tables(self, later: Snapshot) -> tuple[str, ...]:
        """Return the names of the tables that differ between this snapshot and a later one."""
        return tuple(sorted({fact[2] for fact in self.facts ^ later.facts}))


def list_tables(database: Database) -> tuple[tuple[str | None, str], ...]:
    """Return (schema, name) of every table; the schema is None on MariaDB and SQLite."""
    if database.is_missing_file:
        return ()
    rows = database.run(lambda connection: _rows(connection, _TABLES[database.dialect]))
    tables = [(None if row[0] is None else str(row[0]), str(row[1])) for row in rows]
    return tuple(sorted(tables, key=lambda table: (table[0] or "", table[1])))


def take_snapshot(database: Database, *, without: tuple[str, ...]) -> Snapshot:
    """Return the schema's facts, all of the tables called `without` left out; raises DatabaseFailedError."""
    if database.is_missing_file:
        return Snapshot(frozenset())
    try:
        rows = database.run(lambda connection: _read_facts(connection, database.dialect))
    except DatabaseFailedError as exc:
        original = getattr(exc.__cause__, "orig", None)
        if LOCK_NOT_AVAILABLE not in (
            getattr(original, "sqlstate", None),
            getattr(original, "pgcode", None),
        ):
            raise
        raise DatabaseFailedError(
            f"{database.label}: the schema could not be read, somebody has locked a table for {LOCK_WAIT_SECONDS} s",
            next_step="See who holds an AccessExclusiveLock in pg_locks (pg_stat_activity says what it does), and"
            " run this again when it has ended.",
        ) from exc
    facts = (tuple("" if part is None else str(part) for part in row) for row in rows)
    return Snapshot(frozenset(fact for fact in facts if fact[2] not in without))


def _read_facts(connection: Connection, dialect: str) -> list[tuple[object, ...]]:
    if dialect == "postgresql":
        # To spell a default it locks the table: who rewrites one shall not make the server look dead.
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
    return _rows(connection, SCHEMA_FACTS[dialect])


def read_server_version(database: Database) -> tuple[str, int]:
    """Return the server's version as it says it, and its major number (SQLite: the library's)."""
    if database.dialect == "sqlite":
        import sqlite3

        return sqlite3.sqlite_version, 3
    statement = "SHOW server_version" if database.dialect == "postgresql" else "SELECT VERSION()"
    text = str(database.run(lambda connection: _rows(connection, statement))[0][0])
    match = re.match(r"\d+(?:\.\d+)*", text)
    version = text if database.dialect == "mysql" else (match.group(0) if match else text)
    return version, int(match.group(0).split(".")[0]) if match else 0


def read_properties(database: Database) -> dict[str, str]:
    """Return what belongs to the database itself and is in no table: its character set and collation."""
    statement = _PROPERTIES.get(database.dialect)
    if statement is None:
        return {}
    row = database.run(lambda connection: _rows(connection, statement))[0]
    return {"character_set": str(row[0]), "collation": str(row[1])}


def read_size(database: Database) -> int:
    """Return about how many bytes the database has; 0 when the role may not know."""
    statement = _SIZES[database.dialect]
    if database.is_missing_file:
        return 0
    rows = database.run(lambda connection: _rows(connection, statement))
    return int(str(rows[0][0] or 0))


def _rows(connection: Connection, statement: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(statement).fetchall()]
