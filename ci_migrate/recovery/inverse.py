"""What a DDL statement made, and the statement that takes exactly that away: only where it is sure, pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ci_migrate.database.objects import SchemaObjects

_NAME = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[\w$]+)"
_TABLE = re.compile(rf"CREATE\s+TABLE\s+(?P<table>{_NAME})\s*\(", re.IGNORECASE)
_INDEX = re.compile(
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?P<name>{_NAME})\s+ON\s+(?P<table>{_NAME})\s*\(",
    re.IGNORECASE,
)
_CONCURRENT = re.compile(
    rf"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?P<lax>IF\s+NOT\s+EXISTS\s+)?(?P<name>{_NAME})"
    rf"\s+ON\s+(?P<table>{_NAME})\s*(?:\(|USING\b)",
    re.IGNORECASE,
)
_COLUMN = re.compile(
    rf"ALTER\s+TABLE\s+(?P<table>{_NAME})\s+ADD\s+(?:COLUMN\s+)?"
    rf"(?!(?:CONSTRAINT|INDEX|KEY|UNIQUE|PRIMARY|FOREIGN|CHECK|FULLTEXT|SPATIAL|PARTITION|PERIOD|SYSTEM|COLUMN|IF)\b)"
    rf"(?P<name>{_NAME})\s+[^,]*(?:\([^)]*\)[^,]*)*$",
    re.IGNORECASE | re.DOTALL,
)
_DROPS = (
    ("table", re.compile(rf"DROP\s+TABLE\s+(?P<table>{_NAME})\s*;?\s*$", re.IGNORECASE)),
    (
        "column",
        re.compile(
            rf"ALTER\s+TABLE\s+(?P<table>{_NAME})\s+DROP\s+(?:COLUMN\s+)?"
            rf"(?!(?:CONSTRAINT|INDEX|KEY|PRIMARY|FOREIGN|CHECK|PARTITION|COLUMN|IF)\b)(?P<name>{_NAME})\s*;?\s*$",
            re.IGNORECASE,
        ),
    ),
)
Kind = Literal["table", "index", "column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a statement makes or drops."""

    kind: Kind
    table: str
    """Without quotes."""
    name: str = ""
    """Of the index or column; empty for a table."""
    makes: bool = True
    concurrently: bool = False
    """Of an index whose build, when it is cut off, leaves it there and invalid."""
    may_have_been: bool = False
    """Whether it may have been there before (`IF NOT EXISTS`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverse:
    """A statement that undoes another, or why there is none."""

    statement: str = ""
    problem: str = ""


def find_made(statement: str) -> Made | None:
    """Return the one thing that a statement makes or drops; None when that is not surely told by its text.

    A statement that the ledger has cut short tells nothing.
    """
    text = statement.strip()
    if text.endswith("…"):
        # Their names come first.
        head = _TABLE.match(text) or _INDEX.match(text) or _CONCURRENT.match(text)
        if head is None:
            return None
    if match := _TABLE.match(text):
        return Made(kind="table", table=_bare(match["table"]))
    if match := _INDEX.match(text):
        return Made(kind="index", table=_bare(match["table"]), name=_bare(match["name"]))
    if match := _CONCURRENT.match(text):
        return Made(
            kind="index",
            table=_bare(match["table"]),
            name=_bare(match["name"]),
            concurrently=True,
            may_have_been=match["lax"] is not None,
        )
    if match := _COLUMN.match(text):
        return Made(kind="column", table=_bare(match["table"]), name=_bare(match["name"]))
    for kind, pattern in _DROPS:
        if match := pattern.match(text):
            name = _bare(match["name"]) if kind == "column" else ""
            found: Kind = "column" if kind == "column" else "table"
            return Made(kind=found, table=_bare(match["table"]), name=name, makes=False)
    return None


def invert(
    item: Made, all_made: Iterable[Made | None], objects: SchemaObjects, dialect: str
) -> Inverse:
    """Return the statement that takes away what another made.

    A table only while it is empty, a column only while no row has a value in it: what is in them now, nobody
    knows the worth of.
    """
    if not item.makes:
        return Inverse(problem="what was dropped is gone; only a backup has it")
    if item.kind == "table":
        if objects.count_rows(item.table):
            return Inverse(problem=f"the table {item.table} has rows")
        return Inverse(statement=f"DROP TABLE {_quote(item.table, dialect)}")
    if item.kind == "column":
        makes_table = any(
            other and other.makes and other.kind == "table" and other.table == item.table
            for other in all_made
        )
        if not makes_table and objects.count_values(item.table, item.name):
            return Inverse(problem=f"the column {item.table}.{item.name} has values")
        table, name = _quote(item.table, dialect), _quote(item.name, dialect)
        return Inverse(statement=f"ALTER TABLE {table} DROP COLUMN {name}")
    if item.concurrently:
        return Inverse(statement=f"DROP INDEX CONCURRENTLY {_quote(item.name, dialect)}")
    if dialect != "mysql":
        return Inverse(statement=f"DROP INDEX {_quote(item.name, dialect)}")
    return Inverse(
        statement=f"DROP INDEX {_quote(item.name, dialect)} ON {_quote(item.table, dialect)}"
    )


def _bare(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name


def _quote(name: str, dialect: str) -> str:
    sign = "`" if dialect == "mysql" else '"'
    return f"{sign}{name.replace(sign, sign * 2)}{sign}"
