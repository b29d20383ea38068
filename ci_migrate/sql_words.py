"""What the SQL text of a revision does to transactions, by its first words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BODY = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*|^\s*#[^\n]*|/\*(?!!).*?\*/", re.DOTALL | re.MULTILINE)
_EXECUTED_COMMENT = re.compile(r"/\*!\d*|\*/")
"""MySQL runs what stands in a comment that begins so."""
_MARKS = re.compile(r"[$#]|--|/\*|\*/")
"""Without one of these, as in most texts of a revision, there is neither body nor comment."""

_OBJECTS = (
    r"TABLE|INDEX|UNIQUE|FULLTEXT|SPATIAL|VIEW|MATERIALIZED|SCHEMA|DATABASE|TRIGGER|FUNCTION|"
    r"PROCEDURE|SEQUENCE|TYPE|DOMAIN|EXTENSION|ROLE|USER|EVENT|TEMPORARY|TEMP|VIRTUAL|OR\s+REPLACE|"
    r"ALGORITHM|DEFINER|SQL|SERVER|TABLESPACE|POLICY|AGGREGATE|ONLINE|OFFLINE|IGNORE|UNLOGGED|"
    r"COLLATION|PACKAGE|EXTERNAL|FOREIGN|GLOBAL|LOCAL"
)
_DDL = re.compile(
    rf"(?:(?:CREATE|ALTER|DROP)\s+(?:{_OBJECTS})\b|TRUNCATE\s+\w|RENAME\s+(?:TABLE|USER)\b|"
    r"(?:GRANT|REVOKE)\s+\w+.*\s(?:ON|TO|FROM)\s|(?:ANALYZE|OPTIMIZE|REPAIR)\s+(?:\w+\s+)?TABLE\b|"
    r"LOCK\s+TABLES\b|COMMENT\s+ON\b|REINDEX\b)",
    re.IGNORECASE | re.DOTALL,
)
_COMMIT = re.compile(
    r"(?:(?:COMMIT|END)(?:\s+(?:WORK|TRANSACTION))?(?:\s+AND\s+(?:NO\s+)?CHAIN)?\s*$|COMMIT\s+PREPARED\b"
    r"|PREPARE\s+TRANSACTION\b)",
    re.IGNORECASE,
)
_OUTSIDE = re.compile(
    r"(?:VACUUM\b|(?:CREATE|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER\s+SYSTEM\b|"
    r"(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY\b|REINDEX\b.*\bCONCURRENTLY\b|"
    r"ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY\b)",
    re.IGNORECASE | re.DOTALL,
)
_LEAVING = re.compile(
    r"COMMIT|\bEND\b|PREPARE\s|VACUUM|DATABASE|TABLESPACE|SUBSCRIPTION|SYSTEM|CONCURRENTLY",
    re.IGNORECASE,
)


def may_leave_transaction(value: object) -> bool:
    """Return whether a constant is a text in which `is_commit` or `is_outside_transaction` can find something."""
    return isinstance(value, str) and _LEAVING.search(value) is not None


def split_statements(text: str) -> Iterator[str]:
    """Yield the statements of an SQL text without comments and function bodies.

    Quotes are not looked at: a semicolon inside of one makes two pieces, of which one is judged.
    """
    if _MARKS.search(text):
        text = _EXECUTED_COMMENT.sub(" ", _COMMENT.sub(" ", _BODY.sub(" ", text)))
    for part in text.split(";"):
        statement = part.strip()
        if statement:
            yield statement


def function_bodies(text: str) -> Iterator[str]:
    """Yield what stands between `$$`, without comments: bodies of functions, and of `DO`."""
    for found in _BODY.finditer(text):
        yield _COMMENT.sub(" ", found[0])


def is_ddl(statement: str) -> bool:
    """Return whether a statement changes the schema; MariaDB commits before and after it."""
    return _DDL.match(statement) is not None


def is_commit(statement: str) -> bool:
    """Return whether a statement ends the transaction."""
    return _COMMIT.match(statement) is not None


def may_commit(text: str) -> bool:
    """Return whether `is_commit` can find something in a text; quicker than to take it apart."""
    upper = text.upper()
    return "COMMIT" in upper or "END" in upper or "PREPARE" in upper


def is_outside_transaction(statement: str) -> bool:
    """Return whether PostgreSQL runs a statement outside of a transaction only."""
    return _OUTSIDE.match(statement) is not None
