"""What the ledger tells of earlier runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ci_migrate.models import Backup, Remains
from ci_migrate.remains import decode_remains


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """One revision that an environment executed, in one direction, as its ledger has it."""

    revision: str
    direction: str
    """`upgrade` or `downgrade`."""
    command: str
    message: str
    content_hash: str
    run_id: str
    run_url: str | None
    commit: str | None
    finished_at: str
    seconds: float | None

    @property
    def when(self) -> str:
        """The time for people, to the second."""
        return f"{self.finished_at[:19].replace('T', ' ')} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """A run that began and was never finished: killed, cancelled, or cut off."""

    run_id: str
    command: str
    started_at: str
    run_url: str | None
    direction: str
    """`upgrade` or `downgrade`."""
    planned: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRemains:
    """What is left of revisions that a run began: the newest, or one before it that none has ended well since."""

    remains: tuple[Remains, ...]
    started_at: str
    run_url: str | None
    direction: str
    """`upgrade` or `downgrade`."""
    backup: Backup | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialRun:
    """A run that changed the database and did not reach its target."""

    started_at: str
    kind: str
    """Of the failure."""
    failure: str
    backup: str
    """Where its backup lies; empty when none was taken."""
    is_whole: bool
    """Whether it ended between two revisions, as far as was seen."""


def read_executed(row: Mapping[str, Any]) -> Executed:
    """Return the row of a revision that was executed as a value."""
    return Executed(
        revision=row["revision"],
        direction=row["direction"],
        command=row["command"],
        message=row["message"] or "",
        content_hash=row["content_hash"] or "",
        run_id=row["run_id"],
        run_url=row["run_url"],
        commit=row["commit_sha"],
        finished_at=row["finished_at"] or "",
        seconds=row["seconds"],
    )


def read_remains(
    run: Mapping[str, Any], detail: str, revisions: Iterable[Mapping[str, Any]]
) -> LastRemains:
    """Return what a run left, by its row, the `detail` that is in force, and the rows of its revisions."""
    return LastRemains(
        remains=decode_remains(detail),
        started_at=run["started_at"],
        run_url=run["run_url"],
        direction=next((row["direction"] for row in revisions), "upgrade"),
        backup=read_backup(run),
    )


def read_partial(row: Mapping[str, Any]) -> PartialRun:
    """Return the row of a run that ended partly applied as a value."""
    failure, backup = (json.loads(row[name] or "{}") for name in ("failure", "backup"))
    has_moved = (row["to_rows"] or "null") not in {"null", row["from_rows"]}
    return PartialRun(
        started_at=row["started_at"],
        kind=failure.get("kind", ""),
        failure=failure.get("message", ""),
        backup=backup.get("location", ""),
        is_whole=row["detail"] is None and has_moved and failure.get("is_seen", True),
    )


def is_restored(row: Mapping[str, Any]) -> bool:
    """Return whether a restore has taken away what a run had done."""
    return bool(json.loads(row["failure"] or "{}").get("is_restored"))


def read_backup(row: Mapping[str, Any]) -> Backup | None:
    """Return the backup of a run's row, or None."""
    record = json.loads(row.get("backup") or "null")
    return Backup(**record, verified="", seconds=0.0) if record else None


def rehearsal_of(detail: str | None) -> str:
    """Return how a revision was rehearsed by the `detail` of its row: `once`, `round_trip`, or nothing."""
    kept = json.loads(detail) if detail else {}
    rehearsal = kept.get("rehearsal") if isinstance(kept, dict) else None
    if not rehearsal:
        return ""
    return "round_trip" if rehearsal.get("round_trip") else "once"
