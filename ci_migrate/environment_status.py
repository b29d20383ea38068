"""The frozen values that `status` tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRevision:
    """A revision that was rolled back in an environment, seen from the files of the work tree."""

    revision: str
    message: str
    since: str
    """When it was rolled back: UTC, ISO 8601."""
    state: str
    """`blocks` (the file is as it was then), `changed` (it may come again), `absent` (no file here has it), or
    `unknown` (the files do not tell)."""
    run_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentStatus:
    """One environment as it is now."""

    name: str
    current: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    """Revisions of which an earlier run left something in the database, without their version row."""
    running: str = ""
    """Who is at work in the database; what that run has begun is not told as `unfinished`."""
    unknown: tuple[str, ...] = ()
    """Version rows that no revision file of this work tree explains."""
    held: tuple[HeldRevision, ...] = ()
    """What was rolled back last and has not run again."""
    defects: tuple[str, ...] = ()
    """Faults of the files, on which a promotion blocks; what is pending may be more then."""
    unreadable: str = ""
    """Why the files do not tell everything."""
    untold: tuple[str, ...] = ()
    """Which of `current` and `pending` they do not tell: these, `unknown` and `unfinished` are empty then."""
    last_run: Mapping[str, Any] | None = None
    ledger_problem: str = ""
    """Why its ledger could not be read; what is unfinished or held, and the last run, are not known then."""
    problem: str = ""
    """Why it could not be asked; everything else is empty then."""
