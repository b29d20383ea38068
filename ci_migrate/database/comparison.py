"""Two schemas compared by their catalogs, and what differs in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ci_migrate.database.catalog import Snapshot, take_snapshot
from ci_migrate.database.engine import Database
from ci_migrate.database.sqlite_facts import read_sqlite_facts

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?")
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that two schemas do not have in common."""

    kind: str
    """`relation`, `column`, `index`, `constraint`, …"""
    table: str
    name: str
    first: str | None
    """Its definition in the first schema; None where it is missing."""
    second: str | None

    def describe(self, first: str, second: str) -> str:
        """Return the difference in one line; `first` and `second` name the schemas."""
        what = f"{self.kind} {'.'.join(filter(None, (self.table, self.name)))}"
        if self.first is None:
            return f"{what} is only in {second}: {self.second}"
        if self.second is None:
            return f"{what} is only in {first}: {self.first}"
        return f"{what} is {self.first} in {first}, {self.second} in {second}"


def read_schema(database: Database, *, without: tuple[str, ...]) -> Snapshot:
    """Return the schema of a database, made for comparison with one that was built another way.

    Unlike `take_snapshot`, which only tells whether a schema changed, SQLite is read by PRAGMA.
    """
    if database.dialect != "sqlite" or database.is_missing_file:
        return take_snapshot(database, without=without)
    facts = database.run(lambda connection: list(read_sqlite_facts(connection)))
    return Snapshot(frozenset(fact for fact in facts if fact[2] not in without))


def compare_schemas(first: Snapshot, second: Snapshot) -> tuple[Difference, ...]:
    """Return what differs, sorted by table; a default that holds the time of its making does not count."""
    left, right = _by_key(first.facts - second.facts), _by_key(second.facts - first.facts)
    found = []
    for key in sorted(left.keys() | right.keys(), key=lambda key: (key[2], key[0], key[3])):
        mine, other = left.get(key), right.get(key)
        if mine is None or other is None or _timeless(mine) != _timeless(other):
            kind, schema, table, name = key
            shown = f"{schema}.{table}" if schema not in {"", "public"} else table
            found.append(Difference(kind=kind, table=shown, name=name, first=mine, second=other))
    return tuple(_without_parts_of_tables(found))


def _by_key(facts: frozenset[tuple[str, ...]]) -> dict[Key, str]:
    """Return definitions by what they define; several of one key, such as parts of an index, joined."""
    found: dict[Key, str] = {}
    for fact in sorted(facts):
        key = (fact[0], fact[1], fact[2], fact[3])
        found[key] = f"{found[key]}; {fact[4]}" if key in found else fact[4]
    return found


def _timeless(definition: str) -> str:
    return _TIME.sub("(time)", definition)


def _without_parts_of_tables(found: list[Difference]) -> Iterator[Difference]:
    """Leave out the columns and indexes of a table that one schema does not have at all."""
    missing = {
        (item.table, item.first is None)
        for item in found
        if item.kind == "relation" and None in (item.first, item.second)
    }
    for item in found:
        is_part = (item.table, item.first is None) in missing and None in (item.first, item.second)
        if item.kind == "relation" or not is_part:
            yield item
