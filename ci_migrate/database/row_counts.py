"""How much data a table or column holds now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Database
from ci_migrate.database.patience import ask_within
from ci_migrate.errors import CiMigrateError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LONGEST_SECONDS = 20.0
"""For one count: a table that takes longer is large, and that is known without the number."""


def count_rows(database: Database, table: str, column: str | None) -> int | None:
    """Return the rows of a table, or the values of a column that are not NULL.

    `table` may begin with a schema and a dot. None when there is no such thing, or counting takes too long.
    """
    try:
        return ask_within(LONGEST_SECONDS, lambda: database.run(lambda c: _count(c, table, column)))
    except CiMigrateError:
        return None


def _count(connection: Connection, table: str, column: str | None) -> int:
    from sqlalchemy import Column, MetaData, Table, func, select

    schema, _, name = table.rpartition(".")
    found = Table(name, MetaData(), schema=schema or None)
    if column:
        found.append_column(Column[Any](column))
    what = func.count(found.c[column]) if column else func.count()
    return int(connection.execute(select(what).select_from(found)).scalar_one())
