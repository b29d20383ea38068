"""A restored copy of a database, and in what it differs from what was dumped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from ci_migrate.database.contents import Contents, Name
from ci_migrate.database.source import Source
from ci_migrate.redact import one_line
from ci_migrate.scratch.request import Scratch
from ci_migrate.words import counted

MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A backup in a scratch database; gone when it is closed."""

    scratch: Scratch
    opened: ExitStack = field(repr=False)

    def close(self) -> None:
        """Give the scratch database up."""
        self.opened.close()


def find_differences(source: Source, copy: Contents) -> tuple[str, ...]:
    """Return in what a restored copy differs from its source, in words; empty when it holds all of it.

    The rows of tables that were written while the dump was made are not compared.
    """
    return (*_tables(source, copy), *_rows(source, copy), *_sequences(source, copy))


def describe_proof(source: Source, where: str) -> str:
    """Return how an archive was proved by a restore, in words."""
    count = len(source.before.rows)
    text = f"restored into {where}: {counted(count, 'table')}, their rows and sequences equal"
    if source.written:
        return f"{text} but for the rows of {_names(source.written)}, written meanwhile"
    return text


def _tables(source: Source, copy: Contents) -> Iterator[str]:
    wanted = set(source.before.rows)
    kept = wanted & set(source.after.rows)  # what was made or dropped meanwhile may be there or not
    if missing := kept - set(copy.rows):
        yield f"{len(missing)} of {len(wanted)} tables are missing: {_names(missing)}"
    if surplus := set(copy.rows) - wanted - set(source.after.rows):
        yield f"there are tables that the database does not have: {_names(surplus)}"


def _rows(source: Source, copy: Contents) -> Iterator[str]:
    for name, count in sorted(source.before.rows.items(), key=lambda item: str(item[0])):
        found = copy.rows.get(name)
        if found is None or found == count:
            continue
        if name not in source.written:
            yield f"{_name(name)} has {found:,} rows instead of {count:,}"
        elif found == 0 and min(count, source.after.rows.get(name, 0)) > 0:
            yield f"{_name(name)} has no rows, but had {count:,}"


def _sequences(source: Source, copy: Contents) -> Iterator[str]:
    for name, value in sorted(source.before.sequences.items(), key=lambda item: str(item[0])):
        later = source.after.sequences.get(name, value)
        found = copy.sequences.get(name)
        if name in source.written or (
            found is not None and min(value, later) <= found <= max(value, later)
        ):
            continue
        shown = "its beginning" if found is None else f"{found:,}"
        yield f"the sequence {_name(name)} is at {shown} instead of {value:,}"


def _names(names: set[Name] | frozenset[Name]) -> str:
    shown = sorted(_name(name) for name in names)
    return ", ".join(shown[:MOST_NAMED]) + (" …" if len(shown) > MOST_NAMED else "")


def _name(name: Name) -> str:
    return one_line(f"{name[0]}.{name[1]}" if name[0] else name[1], 120)
