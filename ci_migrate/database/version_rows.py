"""The version table: what the database says it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Database

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.engine import Connection

ALEMBIC_ID_LENGTH = 32
"""Width of the version column that Alembic creates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRows:
    """The content of the version table."""

    rows: tuple[str, ...]
    """Revision ids, sorted; empty when the table is missing or empty."""
    table_exists: bool
    id_length: int | None
    """Characters the version column takes; None where the database does not enforce it."""


def read_version_rows(database: Database, table: str, schema: str | None) -> VersionRows:
    """Return the rows of the version table through a fresh connection; changes nothing.

    Raises DatabaseUnreachableError and DatabaseFailedError.
    """
    if database.is_missing_file:
        database.require_folder()
        return VersionRows(rows=(), table_exists=False, id_length=None)
    return database.run(lambda connection: _read(connection, table, schema))


def _read(connection: Connection, table: str, schema: str | None) -> VersionRows:
    from sqlalchemy import Column, MetaData, String, Table, inspect, select

    inspector = inspect(connection)
    enforces = connection.dialect.name != "sqlite"
    if not inspector.has_table(table, schema=schema):
        length = ALEMBIC_ID_LENGTH if enforces else None
        return VersionRows(rows=(), table_exists=False, id_length=length)
    # A Table, not the lightweight `table()`: that one loses the schema on SQLAlchemy 1.4.
    versions = Table(table, MetaData(), Column("version_num", String()), schema=schema)
    statement: Select[Any] = select(versions.c.version_num)
    rows = tuple(sorted(str(row[0]) for row in connection.execute(statement)))
    length = None
    if enforces:
        columns = {c["name"]: c for c in inspector.get_columns(table, schema=schema)}
        length = getattr(columns["version_num"]["type"], "length", None)
    return VersionRows(rows=rows, table_exists=True, id_length=length)
