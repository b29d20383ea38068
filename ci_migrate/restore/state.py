"""A database against the manifest of the backup that was brought back into it."""

from __future__ import annotations

import re

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.request import TableName
from ci_migrate.database.catalog import list_tables, read_server_version
from ci_migrate.database.contents import count_tables, list_countable
from ci_migrate.database.engine import Database
from ci_migrate.database.shapes import read_shapes
from ci_migrate.errors import NotVerifiedError
from ci_migrate.redact import one_line
from ci_migrate.words import counted

MOST_NAMED = 10
_DO_NOT_USE = (
    "Do not use the database. Restore another backup, or into another database with --into."
)


def check_restored(database: Database, manifest: Manifest) -> str:
    """Return in words that a fresh connection finds what the manifest says; raises NotVerifiedError.

    Tables, their definitions, and the rows of those that were counted when the backup was taken.
    """
    wanted, found = set(manifest.tables), set(list_tables(database))
    if wanted != found:
        differing = ", ".join(
            one_line(name, 80) for _, name in sorted(wanted ^ found, key=str)[:MOST_NAMED]
        )
        raise NotVerifiedError(
            f"the restore reported success, but the tables differ from those of {manifest.name}: {differing}",
            next_step=_DO_NOT_USE,
        )
    _check_shapes(database, manifest)
    tables = counted(len(found), "table")
    if not manifest.rows:
        return f"{tables} as in the manifest, their rows not counted"
    left_out = _check_rows(database, manifest)
    if left_out:
        return (
            f"{tables} as in the manifest, and their rows but for those of {left_out}, not counted"
        )
    return f"{tables} and their rows as in the manifest"


def _check_shapes(database: Database, manifest: Manifest) -> None:
    """Raise NotVerifiedError for tables that are defined in another way; another version would tell it otherwise."""
    if not manifest.shapes or read_server_version(database)[1] != _major(manifest.server_version):
        return
    found = read_shapes(database, manifest.tables)
    differing = [name for name, shape in manifest.shapes.items() if found.tables.get(name) != shape]
    if differing:
        raise NotVerifiedError(
            "the restore reported success, but columns, indexes, constraints, triggers or policies differ from those of"
            f" {manifest.name}: {_names(sorted(differing, key=str))}",
            next_step=_DO_NOT_USE,
        )
    missing = {
        kind: len(wanted - found.objects.get(kind, frozenset()))
        for kind, wanted in manifest.objects.items()
    }
    told = [f"{count} of the {kind}" for kind, count in sorted(missing.items()) if count]
    if told:
        raise NotVerifiedError(
            f"the restore reported success, but {' and '.join(told)} of {manifest.name} are missing or differ",
            next_step=_DO_NOT_USE,
        )


def _major(version: str) -> int:
    match = re.match(r"\d+", version)
    return int(match[0]) if match else 0


def _check_rows(database: Database, manifest: Manifest) -> str:
    """Compare what was counted, and name what was not; raises NotVerifiedError."""
    with database.session(is_watched=True) as session:
        countable = session.run(lambda connection: list_countable(connection, database.dialect))
        rows = count_tables(session, sorted(manifest.rows, key=str))
    differing = [
        f"{_name(table)} has {rows[table]:,} rows instead of {wanted:,}"
        for table, wanted in sorted(manifest.rows.items(), key=str)
        if rows[table] != wanted
    ]
    if differing:
        raise NotVerifiedError(
            f"the restore reported success, but rows differ from those of {manifest.name}:"
            f" {', '.join(differing[:MOST_NAMED])}",
            next_step="If an application writes to the database already, stop it and restore again. Otherwise:"
            f" {_DO_NOT_USE[0].lower()}{_DO_NOT_USE[1:]}",
        )
    return _names([table for table in countable if table not in manifest.rows])


def _names(tables: list[TableName]) -> str:
    more = f" and {len(tables) - MOST_NAMED} more" if len(tables) > MOST_NAMED else ""
    return ", ".join(_name(table) for table in tables[:MOST_NAMED]) + more


def _name(table: TableName) -> str:
    return one_line(f"{table[0]}.{table[1]}" if table[0] else table[1], 120)
