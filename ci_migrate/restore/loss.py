"""What a restore takes away: rows written since the backup, and runs made since; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.request import TableName
from ci_migrate.database.activity import Written
from ci_migrate.database.half_restored import MARK_TABLE
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.redact import one_line
from ci_migrate.words import counted

MOST_NAMED = 20


def describe_loss(
    manifest: Manifest,
    activity: Mapping[TableName, Written],
    tables: Iterable[TableName],
    runs: Iterable[Mapping[str, Any]],
    rows: Mapping[TableName, int],
) -> tuple[str, ...]:
    """Return what will be gone after a restore, a sentence each.

    `activity` are the counters of the server now, `tables` are those of the database now, `rows` are those that
    the tables without counters have now, `runs` the ledger's.
    """
    since = f"since {manifest.started}"
    found = [_change(name, manifest, activity[name]) for name in sorted(activity, key=str)]
    changes = [text for text in found if text]
    if changes:
        more = f" and {len(changes) - MOST_NAMED} more tables" if len(changes) > MOST_NAMED else ""
        written = f"rows written {since} will be gone: {', '.join(changes[:MOST_NAMED])}{more}"
    elif manifest.activity:
        written = f"no row was counted as written {since}"
    elif rows:
        written = _by_rows(manifest, rows, set(tables))
    else:
        written = f"whatever was written {since} will be gone; this server does not count it"
    return (written, *_dropped(manifest, tables), *_undone(manifest, runs))


def find_uncounted(manifest: Manifest, tables: Iterable[TableName]) -> tuple[TableName, ...]:
    """Return the tables whose rows have to be counted now to tell what will be gone: no server has kept count."""
    if manifest.activity:
        return ()
    return tuple(sorted(set(manifest.rows) & set(tables), key=str))


def _by_rows(manifest: Manifest, rows: Mapping[TableName, int], tables: Set[TableName]) -> str:
    """Return what is written since as far as the rows of then and now tell; what was changed they do not."""
    since = f"whatever was written since {manifest.started} will be gone"
    differences = {name: count - manifest.rows[name] for name, count in rows.items()}
    changes = [
        f"{_shown(name)} has {abs(more):,} row{'' if abs(more) == 1 else 's'} {'more' if more > 0 else 'fewer'}"
        for name, more in sorted(differences.items(), key=str)
        if more and name[1] != LEDGER_TABLE
    ]
    unknown = len(set(manifest.tables) & tables - set(rows))
    were = "was" if unknown == 1 else "were"
    others = f"; {counted(unknown, 'table')} {were} not counted" if unknown else ""
    if not changes:
        return (
            f"{since}; every table that was counted then has as many rows now, but rows that were changed or"
            f" replaced do not show in that{others}"
        )
    more = f" and {len(changes) - MOST_NAMED} more tables" if len(changes) > MOST_NAMED else ""
    return (
        f"{since}: {', '.join(changes[:MOST_NAMED])}{more} than then (rows that were changed or replaced do not"
        f" show in these numbers){others}"
    )


def _change(name: TableName, manifest: Manifest, now: Written) -> str:
    """Return what happened to a table since the backup, such as `orders +312 ~5 -2`; empty for nothing."""
    if name[1] == LEDGER_TABLE or not manifest.activity:
        return ""
    parts = _difference(manifest.activity.get(name), now)
    return f"{_shown(name)} {' '.join(parts)}" if parts else ""


def _difference(then: Written | None, now: Written) -> list[str]:
    before = then or Written(inserted=0, updated=0, deleted=0)
    counts = (
        ("+", now.inserted - before.inserted),
        ("~", now.updated - before.updated),
        ("-", now.deleted - before.deleted),
    )
    if any(count < 0 for _, count in counts):
        return ["(not known: the server's counters started anew)"]
    return [f"{sign}{count:,}" for sign, count in counts if count]


def _dropped(manifest: Manifest, tables: Iterable[TableName]) -> Iterator[str]:
    """Yield the tables that the backup does not have: newer ones, and those that it left out on purpose."""
    newer = sorted(set(tables) - set(manifest.tables), key=str)
    surplus = [_shown(name) for name in newer if name[1] not in (MARK_TABLE, LEDGER_TABLE)]
    if surplus:
        more = f" and {len(surplus) - MOST_NAMED} more" if len(surplus) > MOST_NAMED else ""
        yield f"tables that the backup does not have will be gone: {', '.join(surplus[:MOST_NAMED])}{more}"


def _shown(name: TableName) -> str:
    return one_line(name[1] if name[0] in (None, "public") else f"{name[0]}.{name[1]}", 120)


def _undone(manifest: Manifest, runs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for run in runs:
        executed = [row["revision"] for row in run["revisions"] if row["outcome"] == "executed"]
        if executed and is_later(run, manifest):
            names = ", ".join(one_line(revision, 60) for revision in executed[:MOST_NAMED])
            yield f"the {run['command']} of {run['started_at']} will be undone: {names}"


def is_later(run: Mapping[str, Any], manifest: Manifest) -> bool:
    """Return whether what a run did is not in a backup: it began later, or took the backup before its first change."""
    return run["run_id"] == manifest.run_id or str(run["started_at"]) >= manifest.started
