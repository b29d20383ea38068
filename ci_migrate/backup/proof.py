"""Why an archive does not count as a backup."""

from __future__ import annotations

from collections.abc import Sequence

from ci_migrate.backup.checksum import Checksum
from ci_migrate.errors import BackupError
from ci_migrate.redact import one_line

MOST_NAMED = 5


def unproved(archive: str, reason: str) -> BackupError:
    """Return the error of an archive that could not be proved."""
    return BackupError(
        f"the archive {archive} is not a usable backup: {reason}",
        next_step="The database was not touched. Check the place where backups are kept and run again.",
    )


def compare_checksums(archive: str, found: Checksum, wanted: Checksum) -> None:
    """Raise BackupError unless an archive is what was written."""
    if found.bytes == 0:
        raise unproved(archive, "it is empty")
    if found != wanted:
        raise unproved(
            archive,
            f"it has {found.bytes:,} bytes and SHA-256 {found.sha256[:12]}…,"
            f" not {wanted.bytes:,} bytes and {wanted.sha256[:12]}… as written",
        )


def missing_tables(archive: str, missing: Sequence[tuple[str | None, str]]) -> BackupError:
    """Return the error of an archive that does not name every table."""
    names = [one_line(f"{schema}.{name}" if schema else name) for schema, name in missing]
    shown = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
    return BackupError(
        f"the archive {archive} is not a usable backup: {len(names)} of the database's tables"
        f" are missing in it: {shown}",
        next_step="Check that the role may read these tables and nobody dropped them meanwhile;"
        " and run again.",
    )
