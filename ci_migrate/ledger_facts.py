"""What the ledger tells of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.models import Backup, Remains


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """A run that began and was never finished: killed, cancelled, or cut off."""

    run_id: str
    started_at: str
    run_url: str | None
    direction: str
    """`upgrade` or `downgrade`."""
    planned: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRemains:
    """What the newest run left of revisions that are not atomic."""

    remains: tuple[Remains, ...]
    started_at: str
    run_url: str | None
    backup: Backup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialRun:
    """A run that changed the database and did not reach its target."""

    started_at: str
    failure: str
    backup: str
    """Where its backup lies; empty when none was taken."""
