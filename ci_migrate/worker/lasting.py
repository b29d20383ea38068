"""Which statements last although the run that sends them may end before its next commit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from ci_migrate.sql_words import is_commit, may_commit, split_statements

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
_BEGINS_ANEW = re.compile(
    r"(?:BEGIN|START\s+TRANSACTION|(?:UN)?LOCK\s+TABLES?|SET\s+PASSWORD|SET\s+(?:SESSION\s+|LOCAL\s+|@@(?:SESSION\.|LOCAL\.)?)?AUTOCOMMIT)\b",
    re.IGNORECASE,
)
"""What commits first on MySQL and MariaDB."""
_FOR_ONE_STATEMENT = re.compile(r"SET\s+STATEMENT\b.*?\bFOR\s+", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"\w+")
_MAKES_FUNCTION = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\b", re.IGNORECASE
)
_UNPROTECTED = (
    "SELECT t.table_name FROM information_schema.tables t JOIN information_schema.engines e"
    " ON e.engine = t.engine WHERE t.table_schema = DATABASE() AND e.transactions = 'NO'"
)


def find_unprotected(connection: Any) -> frozenset[str]:
    """Return the tables whose rows no transaction of MySQL or MariaDB takes back (MyISAM, Aria), in lower case."""
    if connection.dialect.name not in {"mysql", "mariadb"}:
        return frozenset()
    return frozenset(str(row[0]).lower() for row in connection.exec_driver_sql(_UNPROTECTED))


def outlives_crash(
    connection: Any, statement: str, unprotected: Collection[str] = frozenset()
) -> bool:
    """Return whether the effect of a statement would stay if this process ended right after it."""
    if connection.dialect.name == "sqlite" and is_in_transaction(connection):
        return any(map(is_commit, split_statements(statement)))
    if is_autocommit(connection):
        return True
    is_mysql = connection.dialect.name in {"mysql", "mariadb"}
    return any(
        (is_mysql and _stays_on_mysql(part, unprotected)) or not _TAKEN_BACK.match(part)
        for part in _parts(connection, statement)
    )


def lasts_at_once(
    connection: Any, statement: str, unprotected: Collection[str] = frozenset()
) -> bool:
    """Return whether a statement changes something that no rollback takes back any more."""
    if connection.dialect.name == "postgresql" and not is_autocommit(connection):
        # It takes a change of the schema back, too. The body of a function ends with END.
        return (
            may_commit(statement)
            and not _MAKES_FUNCTION.match(statement)
            and any(map(is_commit, split_statements(statement)))
        )
    is_mysql = connection.dialect.name in {"mysql", "mariadb"}
    for part in _parts(connection, statement):
        if is_mysql and _BEGINS_ANEW.match(part):
            return True
        if not passes(part) and outlives_crash(connection, part, unprotected):
            return True
    return False


def passes(statement: str) -> bool:
    """Return whether a statement leaves nothing by itself."""
    return _PASSES.match(statement) is not None


def is_autocommit(connection: Any) -> bool:
    """Return whether each statement of a connection is committed by itself.

    The driver says it: an engine's `isolation_level` stands in no option of its connections.
    """
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    raw, driver = connection.connection.dbapi_connection, _driver_of(connection)
    if connection.dialect.name == "sqlite":
        by_itself = getattr(driver, "isolation_level", "") is None
        by_itself |= getattr(driver, "autocommit", None) is True  # since Python 3.12
        return by_itself and not is_in_transaction(connection)
    ask = getattr(raw, "get_autocommit", None) or getattr(driver, "get_autocommit", None)
    if ask is not None:  # PyMySQL and mysqlclient
        return bool(ask())
    return getattr(raw, "autocommit", False) is True


def is_in_transaction(connection: Any) -> bool:
    """Return whether SQLite has begun a transaction: Python does that late, before the first row."""
    return bool(getattr(_driver_of(connection), "in_transaction", False))


def _parts(connection: Any, statement: str) -> Iterator[str]:
    for part in split_statements(statement):
        if connection.dialect.name in {"mysql", "mariadb"}:
            begin = _FOR_ONE_STATEMENT.match(part)
            yield part[begin.end() :] if begin else part
        else:
            yield part


def _stays_on_mysql(part: str, unprotected: Collection[str]) -> bool:
    if _BEGINS_ANEW.match(part):
        return True
    if not unprotected or passes(part):
        return False
    return any(word.lower() in unprotected for word in _WORD.findall(part))


def _driver_of(connection: Any) -> Any:
    proxied = connection.connection
    return getattr(proxied, "driver_connection", None) or proxied.connection
