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
    if connection.dialect.name == "sqlite" and _is_in_transaction(connection):
        return False
    if is_autocommit(connection):
        return True
    return not _TAKEN_BACK.match(statement)


def lasts_at_once(connection: Any, statement: str) -> bool:
    """Return whether a statement changes something that no rollback takes back any more."""
    if _PASSES.match(statement):
        return False
    if is_autocommit(connection):
        return True
    # Only PostgreSQL takes a change of the schema back with its transaction.
    return connection.dialect.name != "postgresql" and outlives_crash(connection, statement)


def is_autocommit(connection: Any) -> bool:
    """Return whether each statement of a connection is committed by itself.

    The driver says it: an engine's `isolation_level` stands in no option of its connections.
    """
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    if connection.dialect.name == "sqlite":
        driver = _driver_of(connection)
        by_itself = getattr(driver, "isolation_level", "") is None
        by_itself |= getattr(driver, "autocommit", None) is True  # since Python 3.12
        return by_itself and not _is_in_transaction(connection)
    raw = connection.connection.dbapi_connection
    ask = getattr(raw, "get_autocommit", None) or getattr(
        _driver_of(connection), "get_autocommit", None
    )
    if ask is not None:  # PyMySQL and mysqlclient
        return bool(ask())
    return getattr(raw, "autocommit", False) is True


def _is_in_transaction(connection: Any) -> bool:
    """Return whether SQLite has begun a transaction: Python does that late, before the first row."""
    return bool(getattr(_driver_of(connection), "in_transaction", False))


def _driver_of(connection: Any) -> Any:
    proxied = connection.connection
    return getattr(proxied, "driver_connection", None) or proxied.connection
