"""Statements of ours on the project's connection, which are none of the revision's."""

from __future__ import annotations

from typing import Any


def run_unheard(connection: Any, statement: str) -> Any:
    """Run a statement by the driver's cursor, which no listener hears; return its first value, if any."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    finally:
        cursor.close()
    return row[0] if row else None
