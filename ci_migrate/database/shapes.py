"""What the definition of each table comes to, in a short word that survives a dump and a restore."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from ci_migrate.database.catalog import take_snapshot
from ci_migrate.database.contents import Name
from ci_migrate.database.engine import Database
from ci_migrate.database.ledger_table import LEDGER_TABLE

_KINDS = frozenset(
    {"relation", "column", "index", "constraint", "reference", "trigger", "policy", "table"}
)
_COLUMN = re.compile(r"(.*?) ([tf])\b")
"""Type, and whether it is NOT NULL, in what PostgreSQL's catalog says of a column; a default may be spelled anew."""


def read_shapes(database: Database, tables: Iterable[Name]) -> dict[Name, str]:
    """Return a hash of the columns, indexes, constraints, triggers and policies of each table but the ledger.

    Two databases of one kind and major version have the same shapes when one is restored from the other. PostgreSQL:
    names, and types of columns, for it may spell a restored expression in another way.
    """
    facts: dict[Name, list[str]] = {name: [] for name in tables if name[1] != LEDGER_TABLE}
    for fact in take_snapshot(database, without=(LEDGER_TABLE,)).facts:
        name = (fact[1] or None, fact[2])
        if fact[0] in _KINDS and name in facts:
            facts[name].extend(_lasting(fact, database.dialect))
    return {
        name: hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
        for name, lines in facts.items()
    }


def _lasting(fact: tuple[str, ...], dialect: str) -> Iterator[str]:
    """Yield what lasts of a fact, as a line; an index that is not valid is in no dump."""
    kind, _, _, name, definition = fact
    if dialect != "postgresql":
        yield repr((kind, name, definition))
    elif kind == "column":
        match = _COLUMN.match(definition)
        yield repr((kind, name, match.groups() if match else ""))
    elif not (kind == "index" and definition.endswith(" f")) and "NOT NULL" not in definition[:8]:
        yield repr((kind, name))
