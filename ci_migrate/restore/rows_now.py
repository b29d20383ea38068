"""The rows that a restore takes away, counted where the server has kept no count of what was written."""

from __future__ import annotations

from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.request import TableName
from ci_migrate.database.contents import count_tables
from ci_migrate.database.engine import Database
from ci_migrate.database.patience import ask_within
from ci_migrate.errors import CiMigrateError
from ci_migrate.restore.loss import find_uncounted

LONGEST_SECONDS = 60.0
"""For all tables together: whoever restores a backup is in a hurry."""


def read_rows(
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
