"""Whether a table, column or index is there, and what is in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_migrate.database.engine import Database

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection


_LITERAL = re.compile(
    r"'(?:[^']|'')*'(?:::[\w ]+(?:\(\d+\))?)?|-?\d+(?:\.\d+)?|true|false", re.IGNORECASE
)
"""A default that is the same at any time; anything else may be a function with effects of its own."""


class SchemaObjects:
    """Looks up objects of the default schema; each question goes to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, kind: str, table: str, name: str = "") -> bool:
        """Return whether a `table` is there, or its `column` or `index` of that name; case is the database's."""
        return self._database.run(lambda connection: _has(connection, kind, table, name))

    def is_invalid(self, index: str) -> bool:
        """Return whether PostgreSQL has an index of that name whose concurrent build did not end."""
        return self._database.run(lambda connection: _is_invalid(connection, index))

    def count_rows(self, table: str) -> int:
        """Return how many rows a table has, at most 1; 0 when it is not there."""
        return self._database.run(lambda connection: _count(connection, table, None))

    def count_values(self, table: str, column: str) -> int:
        """Return how many rows have a value in a column, at most 1; 0 when it is not there.

        A value is what is neither NULL nor exactly the column's default, where that is a literal.
        """
        return self._database.run(lambda connection: _count(connection, table, column))


def _is_invalid(connection: Connection, index: str) -> bool:
    from sqlalchemy import text

    question = text(
        "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE lower(c.relname) = lower(:name) AND NOT i.indisvalid AND pg_table_is_visible(c.oid)"
    )
    return bool(connection.execute(question, {"name": index}).scalar())


def _has(connection: Connection, kind: str, table: str, name: str) -> bool:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    if not inspector.has_table(table):
        return False
    if kind == "table":
        return True
    if kind == "column":
        return any(
            str(item["name"]).lower() == name.lower() for item in inspector.get_columns(table)
        )
    return any(
        str(item["name"]).lower() == name.lower() for item in inspector.get_indexes(table)
    ) or any(
        str(item["name"]).lower() == name.lower()
        for item in inspector.get_unique_constraints(table)
    )


def _count(connection: Connection, table: str, column: str | None) -> int:
    from sqlalchemy import column as column_of
    from sqlalchemy import func, literal_column, select
    from sqlalchemy import table as table_of

    kind = "table" if column is None else "column"
    if not _has(connection, kind, table, column or ""):
        return 0
    if column is None:
        found = connection.execute(select(func.count()).select_from(table_of(table))).scalar()
        return min(int(found or 0), 1)
    subject = table_of(table, column_of(column))
    query = select(func.count()).select_from(subject).where(subject.c[column].isnot(None))
    if default := _literal_default(connection, table, column):
        query = query.where(_differs(connection, subject.c[column], literal_column(default)))
    return min(int(connection.execute(query).scalar() or 0), 1)


def _differs(
    connection: Connection, values: ColumnElement[Any], default: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Compare text as it is written: a collation may take `Open` for `open`, and `json` cannot be compared."""
    from sqlalchemy import LargeBinary, Text, cast

    if not str(default).startswith("'"):
        return values != default
    kind = Text() if connection.dialect.name == "postgresql" else LargeBinary()
    return cast(values, kind) != cast(default, kind)


def _literal_default(connection: Connection, table: str, column: str) -> str:
    """Return the default of a column as its catalog spells it; empty where it is none, or no literal."""
    from sqlalchemy import inspect

    for item in inspect(connection).get_columns(table):
        if str(item["name"]).lower() == column.lower():
            default = str(item.get("default") or "").strip("()")
            return default if _LITERAL.fullmatch(default) else ""
    return ""
