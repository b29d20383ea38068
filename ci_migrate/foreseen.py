"""What is known of the pending revisions before they run: frozen values of rehearsals and forecasts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSeen:
    """A lock that a revision took on a table which was there before it."""

    revision: str
    table: str
    mode: str
    """As the server names it: `AccessExclusiveLock`, or MariaDB's `EXCLUSIVE`."""
    seconds: float
    """How long it was held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedRevision:
    """What a revision did in a rehearsal."""

    revision: str
    seconds: float | None
    """None when it did not come to its end."""
    statements: int
    locks: tuple[LockSeen, ...] | None
    """The strongest lock of each table; None where the database does not show them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The pending revisions, run on a restored copy first."""

    outcome: str
    """`passed` or `failed`."""
    where: str
    """The scratch database in words."""
    seconds: float
    revisions: tuple[RehearsedRevision, ...] = ()
    round_trip: bool = False
    """Whether they were also taken back and run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How long the pending revisions are likely to take, and which locks, by what is on record."""

    source: str
    """What it was learnt from, in words."""
    revisions: tuple[RehearsedRevision, ...]

    @property
    def seconds(self) -> float:
        """The sum of what is known."""
        return sum(item.seconds or 0.0 for item in self.revisions)
