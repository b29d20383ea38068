"""How far a restore has come, and what to do when it ends before its time."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.backup.restore_advice import restore_by_us
from ci_migrate.database.engine import Database
from ci_migrate.database.half_restored import MARK_TABLE, find_half_restored
from ci_migrate.errors import HalfRestoredError


@dataclass(kw_only=True)
class Restoring:
    """A backup on its way into the environment's database."""

    backup: str
    """Its name."""
    is_snapshot: bool
    """Whether another system brings it back, which does not tell how far it has come."""
    is_loaded: bool = False
    """Whether all of the archive is in the database, in the place of what was there."""

    def command(self, environment: str) -> str:
        """Return the command that brings it back."""
        return restore_by_us(environment, self.backup)

    def advise(self, environment: str, *, changed: bool) -> str:
        """Return the next step after the restore was stopped or failed."""
        if self.is_snapshot and not self.is_loaded:
            return (
                "What became of the database nobody has seen: look at it, then run the restore again:"
                f" {self.command(environment)}"
            )
        again = f"Run the restore again, it begins anew: {self.command(environment)}"
        if self.is_loaded:
            return (
                "The backup is in the database as a whole, but was not compared with its manifest, and the ledger may"
                f" lack the runs since then. {again}"
            )
        if changed:
            return f"The database holds a part of the backup and is not to be used. {again}"
        return f"The database is as it was, nothing of the backup is in it. {again}"


def refuse_half_restored(database: Database, environment: str) -> None:
    """Raise HalfRestoredError for a database that a restore has left in its middle."""
    half = find_half_restored(database)
    if half is None:
        return
    raise HalfRestoredError(
        f"a restore of {half.backup or 'a backup'}, begun {half.begun or 'earlier'}, ended in its middle:"
        f" {database.label} holds a part of it",
        next_step="The backups are as they were. Run the restore again, it begins anew:\n"
        f"{restore_by_us(environment, half.backup)}\nIf the database was mended in another way, drop the"
        f" table {MARK_TABLE}.",
    )
