"""Which statements last although the run that sends them may end before its next commit."""

from __future__ import annotations

import re
from typing import Any

_TAKEN_BACK = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|SET|SHOW|EXPLAIN|PRAGMA)\b",
    re.IGNORECASE,
)
"""What the transaction around it takes back on every database; a change of the schema may stay."""


_PASSES = re.compile(
    r"\s*(?:SELECT|SHOW|EXPLAIN|DESC|DESCRIBE|PRAGMA|SET|USE|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|START|LOCK|UNLOCK)\b",
    re.IGNORECASE,
)
"""What leaves nothing by itself."""


def outlives_crash(connection: Any, statement: str) -> bool:
    """Return whether the effect of a statement would stay if this process ended right after it."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    if connection.dialect.name == "sqlite" and _is_in_transaction(connection):
        return False
    return not _TAKEN_BACK.match(statement)


def lasts_at_once(connection: Any, statement: str) -> bool:
    """Return whether a statement changes something that no rollback takes back any more."""
    if _PASSES.match(statement):
        return False
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    # Only PostgreSQL takes a change of the schema back with its transaction.
    return connection.dialect.name != "postgresql" and outlives_crash(connection, statement)


def _is_in_transaction(connection: Any) -> bool:
    """Return whether SQLite has begun a transaction: Python does that late, before the first row."""
    proxied = connection.connection
    driver = getattr(proxied, "driver_connection", None) or proxied.connection
    return bool(getattr(driver, "in_transaction", False))
