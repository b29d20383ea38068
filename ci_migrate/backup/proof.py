"""Why an archive does not count as a backup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ci_migrate.errors import BackupError
from ci_migrate.redact import one_line

MOST_NAMED = 5


def unproved(archive: Path, reason: str) -> BackupError:
    """Return the error of an archive that could not be proved."""
    return BackupError(
        f"the archive {archive.name} is not a usable backup: {reason}",
        next_step="The database was not touched. Check the disk of backup.directory and run again.",
    )


def count_tables(tables: Sequence[object]) -> str:
    """Return `1 table`, `2 tables`."""
    return f"{len(tables)} table{'' if len(tables) == 1 else 's'}"


def missing_tables(archive: Path, missing: Sequence[tuple[str | None, str]]) -> BackupError:
    """Return the error of an archive that does not name every table."""
    names = [one_line(f"{schema}.{name}" if schema else name) for schema, name in missing]
    shown = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
    return BackupError(
        f"the archive {archive.name} is not a usable backup: {len(names)} of the database's tables"
        f" are missing in it: {shown}",
        next_step="Check that the role may read these tables and nobody dropped them meanwhile;"
        " and run again.",
    )
