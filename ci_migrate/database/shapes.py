"""What the definitions in a schema come to, in short words that survive a dump and a restore."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ci_migrate.database.catalog import take_snapshot
from ci_migrate.database.contents import Name
from ci_migrate.database.engine import Database
from ci_migrate.database.ledger_table import LEDGER_TABLE

_OF_TABLES = frozenset(
    {"relation", "column", "index", "constraint", "reference", "trigger", "policy", "table"}
)
_OBJECTS = {
    "view": "views",
    "relation": "views",
    "trigger": "triggers",
    "function": "functions",
    "routine": "functions",
    "type": "types",
    "sequence": "sequences",
    "check": "checks",
    "event": "events",
}
"""What is no table and no part of one, by the kind of its facts."""
_COLUMN = re.compile(r"(.*?) ([tf])\b")
"""Type, and whether it is NOT NULL, in what PostgreSQL's catalog says of a column; a default may be spelled anew."""
Fact = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Hashes of definitions; equal in two databases of one kind and major version of which one was restored."""

    tables: Mapping[Name, str]
    """Of each table: its columns, indexes, constraints, triggers and policies."""
    objects: Mapping[str, frozenset[str]]
    """Of each thing that is no table, by kind: `views`, `functions`, `types`, `sequences`, `events`, …"""


def read_shapes(database: Database, tables: Iterable[Name]) -> Shapes:
    """Return the shapes of these tables, and of what is no table, but for the ledger.

    PostgreSQL: names, types of columns and bodies of functions, for it may spell a restored expression in another way.
    """
    by_table: dict[Name, list[str]] = {name: [] for name in tables if name[1] != LEDGER_TABLE}
    by_kind: dict[str, set[str]] = {}
    for fact in take_snapshot(database, without=(LEDGER_TABLE,)).facts:
        name = (fact[1] or None, fact[2])
        if fact[0] in _OF_TABLES and name in by_table:
            by_table[name].extend(_lasting(fact, database.dialect))
        elif fact[0] in _OBJECTS:
            line = _lasting_object(fact, database.dialect)
            by_kind.setdefault(_kind_of(fact), set()).add(_hash([line])[:8])
    return Shapes(
        tables={name: _hash(lines) for name, lines in by_table.items()},
        objects={kind: frozenset(found) for kind, found in by_kind.items()},
    )


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _lasting(fact: Fact, dialect: str) -> Iterator[str]:
    """Yield what lasts of a fact of a table, as a line; an index that is not valid is in no dump."""
    kind, _, _, name, definition = fact
    if dialect != "postgresql":
        yield repr((kind, name, definition))
    elif kind == "column":
        match = _COLUMN.match(definition)
        yield repr((kind, name, match.groups() if match else ""))
    elif not (kind == "index" and definition.endswith(" f")) and "NOT NULL" not in definition[:8]:
        yield repr((kind, name))


def _kind_of(fact: Fact) -> str:
    # To MariaDB a sequence is a table of another type.
    is_sequence = fact[0] == "relation" and fact[4].startswith("sequence")
    return "sequences" if is_sequence else _OBJECTS[fact[0]]


def _lasting_object(fact: Fact, dialect: str) -> str:
    kind, schema, owner, name, definition = fact
    if dialect != "postgresql" or kind == "function":
        return repr((kind, schema, owner, name, definition))
    return repr((kind, schema, owner, name))
