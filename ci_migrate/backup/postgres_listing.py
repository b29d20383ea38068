"""What `pg_restore --list` says about an archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_DATABASE = re.compile(r"^; +dbname: (.*)$")
_TABLE = re.compile(r"^\d+; [1-9]\d* \d+ TABLE (.*)$")
_DATA = re.compile(r"^(\d+); \d+ \d+ TABLE DATA ")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The parts of an archive's table of contents that a proof needs."""

    database: str
    tables: tuple[str, ...]
    """`SCHEMA NAME OWNER` of each table, unquoted, line breaks shown as spaces."""
    data: frozenset[str]
    """Numbers of the entries that are rows of a table."""


def read_listing(text: str) -> Listing:
    """Return the parts of a printed table of contents."""
    database, tables, data = "", [], set()
    # Only a line feed ends an entry: names may hold what else splitlines() would split at.
    for line in text.split("\n"):
        if match := _TABLE.match(line):
            tables.append(match.group(1))
        elif match := _DATA.match(line):
            data.add(match.group(1))
        elif match := _DATABASE.match(line):
            database = match.group(1)
    return Listing(database=database, tables=tuple(tables), data=frozenset(data))


def find_missing(
    tables: Iterable[tuple[str | None, str]], listed: Sequence[str]
) -> tuple[tuple[str | None, str], ...]:
    """Return the tables that no line of the listing stands for.

    Names may hold spaces: `a b` with owner `c` reads like `a` with owner `b c`. Each line proves
    one table only, longest names first.
    """
    names = {table: listed_name(*table) for table in tables}
    if any("\N{REPLACEMENT CHARACTER}" in line for line in listed):
        # The archive is in another encoding than UTF-8: compare what is ASCII.
        listed = [_NOT_ASCII.sub("?", line) for line in listed]
        names = {table: _NOT_ASCII.sub("?", name) for table, name in names.items()}
    lines_of: dict[str, list[int]] = {}
    for number, line in enumerate(listed):
        for space in re.finditer(" ", line):
            lines_of.setdefault(line[: space.start()], []).append(number)
    used: set[int] = set()
    missing = []
    for table, name in sorted(names.items(), key=lambda item: len(item[1]), reverse=True):
        number = next((one for one in lines_of.get(name, ()) if one not in used), -1)
        if number < 0:
            missing.append(table)
        used.add(number)
    return tuple(missing)


def listed_name(schema: str | None, name: str) -> str:
    """Return a table's name as the listing prints it."""
    return in_one_line(f"{schema or 'public'} {name}")


def in_one_line(text: str) -> str:
    """Return a name as the listing prints it: line breaks are spaces."""
    return re.sub(r"[\r\n]", " ", text)
