"""The schema of a SQLite database as facts, by PRAGMA: its SQL text differs where nothing differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ci_migrate.database.sqlite_words import find_clauses, spell_words

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Fact = tuple[str, str, str, str, str]


def read_sqlite_facts(connection: Connection) -> Iterator[Fact]:
    """Yield facts with five parts: kind, schema (empty), table, name, definition.

    Neither the order of columns and constraints nor the names that SQLite itself gives count.
    """
    objects = _rows(connection, "SELECT type, name, tbl_name, sql FROM sqlite_master")
    for kind, name, table, sql in objects:
        if kind == "table" and not name.startswith("sqlite_"):
            yield ("relation", "", name, "", "table")
            yield from _columns(connection, name)
            yield from _indexes(connection, name)
            yield from _references(connection, name)
            # A virtual table has no clauses that could be told apart.
            for number, clause in enumerate(sorted(find_clauses(sql or ""))):
                yield ("clause", "", name, f"{clause} {number}", clause)
        elif kind in {"view", "trigger"}:
            yield (kind, "", table, name, " ".join(spell_words(sql or "")))


def _columns(connection: Connection, table: str) -> Iterator[Fact]:
    for _, name, kind, not_null, default, key, hidden in _pragma(connection, "table_xinfo", table):
        # The column of a primary key is NOT NULL in one dump and not in another; on rowids it is moot.
        definition = (
            f"{' '.join(kind.upper().split())} null={not not_null or bool(key)} key={key} {hidden}"
        )
        if default is not None:
            definition += f" default {' '.join(spell_words(str(default)))}"
        yield ("column", "", table, name, definition)


def _indexes(connection: Connection, table: str) -> Iterator[Fact]:
    for _, name, unique, origin, partial in _pragma(connection, "index_list", table):
        parts = _pragma(connection, "index_xinfo", name)
        columns = [
            f"{part[2] or '(expression)'}{' desc' if part[3] else ''} {part[4]}"
            for part in parts
            if part[5]
        ]
        definition = f"unique={unique} origin={origin} {', '.join(columns)}"
        if partial or any(part[1] == -2 for part in parts):
            sql = _rows(connection, "SELECT sql FROM sqlite_master WHERE name = ?", name)[0][0]
            words = spell_words(sql)
            definition += f" {' '.join(words[words.index('on') + 2 :])}"
        is_ours = origin == "c"
        yield ("index", "", table, name if is_ours else definition, definition)


def _references(connection: Connection, table: str) -> Iterator[Fact]:
    keys: dict[int, list[Any]] = {}
    for row in _pragma(connection, "foreign_key_list", table):
        keys.setdefault(row[0], []).append(row)
    for rows in keys.values():
        pairs = ", ".join(f"{row[3]} → {row[4] or 'its key'}" for row in rows)
        definition = f"{pairs} in {rows[0][2]} update {rows[0][5]} delete {rows[0][6]}"
        yield ("reference", "", table, definition, definition)


def _pragma(connection: Connection, name: str, argument: str) -> list[Any]:
    quoted = argument.replace('"', '""')
    return _rows(connection, f'PRAGMA {name}("{quoted}")')


def _rows(connection: Connection, statement: str, *values: str) -> list[Any]:
    return list(connection.exec_driver_sql(statement, values or ()).fetchall())
