"""A database against the manifest of the backup that was brought back into it."""

from __future__ import annotations

from ci_migrate.backup.manifest import Manifest
from ci_migrate.database.catalog import list_tables
from ci_migrate.database.engine import Database
from ci_migrate.errors import NotVerifiedError
from ci_migrate.redact import one_line

MOST_NAMED = 10


def check_restored(database: Database, manifest: Manifest) -> str:
    """Return in words that a fresh connection finds what the manifest says; raises NotVerifiedError."""
    wanted, found = set(manifest.tables), set(list_tables(database))
    if wanted != found:
        differing = ", ".join(
            one_line(name, 80) for _, name in sorted(wanted ^ found, key=str)[:MOST_NAMED]
        )
        raise NotVerifiedError(
            f"the restore reported success, but the tables differ from those of {manifest.name}: {differing}",
            next_step="Do not use the database. Restore another backup, or into another database with --into.",
        )
    return f"{len(found)} tables as in the manifest"
