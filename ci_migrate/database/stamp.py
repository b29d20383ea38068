"""Version rows written without a revision, as `alembic stamp` does, but with nothing of the project loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import ALEMBIC_ID_LENGTH

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def write_version_rows(
    database: Database, table: str, schema: str | None, rows: tuple[str, ...]
) -> None:
    """Make the version table hold these rows and no others; it is created like Alembic's when it is missing.

    Raises DatabaseFailedError.
    """
    database.run_in_transaction(lambda connection: _write(connection, table, schema, rows))


def _write(connection: Connection, table: str, schema: str | None, rows: tuple[str, ...]) -> None:
    from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table

    length = max(ALEMBIC_ID_LENGTH, *(len(row) for row in rows))
    column: Column[Any] = Column("version_num", String(length), nullable=False)
    key = PrimaryKeyConstraint("version_num", name=f"{table}_pkc")
    versions = Table(table, MetaData(), column, key, schema=schema)
    versions.create(connection, checkfirst=True)
    connection.execute(versions.delete())
    for row in rows:
        connection.execute(versions.insert().values(version_num=row))
