"""What a restore takes away from a database as it is now; only read."""

from __future__ import annotations

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.request import TableName
from ci_migrate.database.activity import read_activity
from ci_migrate.database.catalog import list_tables
from ci_migrate.database.contents import count_tables
from ci_migrate.database.engine import Database
from ci_migrate.database.patience import ask_within
from ci_migrate.errors import CiMigrateError
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.restore.loss import describe_loss, find_uncounted

MOST_RUNS = 200
"""Runs of the ledger that are looked at for what a restore undoes."""
LONGEST_SECONDS = 60.0
"""For all tables together: whoever restores a backup is in a hurry."""


def tell_loss(database: Database, ledger: Ledger, manifest: Manifest) -> tuple[str, ...]:
    """Return what will be gone after a restore of this backup, a sentence each."""
    tables = list_tables(database)
    return describe_loss(
        manifest,
        read_activity(database),
        tables,
        ledger.runs(newest=MOST_RUNS),
        _read_rows(database, manifest, tables),
    )


def _read_rows(
    database: Database, manifest: Manifest, tables: tuple[TableName, ...]
) -> dict[TableName, int]:
    """Return the rows that the tables have now; none where the server counts what is written, or it takes too long."""
    wanted = find_uncounted(manifest, tables)

    def count() -> dict[TableName, int]:
        with database.session() as session:
            return count_tables(session, wanted)

    try:
        return ask_within(LONGEST_SECONDS, count) if wanted else {}
    except CiMigrateError:
        return {}
