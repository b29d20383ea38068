"""What the gates judge; gathered once, so that each gate is a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ci_migrate.config.environment import Window
from ci_migrate.ledger.facts import Executed
from ci_migrate.models import Plan, SourceAnswer, Unfinished
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.rewrite import Rewrite
from ci_migrate.revisions.way_back import WayBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A revision whose file is not what it was, and what speaks for and against that."""

    rewrite: Rewrite
    ran_in: tuple[str, ...] = ()
    """Environments that executed something else than its file says now, each with the day."""
    same_in: tuple[str, ...] = ()
    """Environments that executed just what its file says now, each with the day."""
    silent: tuple[str, ...] = ()
    """Environments of which that cannot be told, each with the reason."""
    who: str = ""
    """Who changed it, by git; empty when git does not know."""
    is_foreign: bool = False
    """Whether it is joined with no file, and git never had it: another project's, as it seems."""
    is_older: bool = False
    """Whether it said that already in the commit that is compared with: another change is at fault."""
    allowed: str = ""
    """The reason for which the configuration allows it; empty when it does not."""
    skipped: tuple[str, ...] = ()
    """Revisions that its file now wants before it, which did not run here and never would."""
    again: tuple[str, ...] = ()
    """Revisions that it was built on when it ran, and that its file lets run a second time."""

    @property
    def misleads(self) -> bool:
        """Whether a promotion by its file would pass something over, or run it twice."""
        return bool(self.skipped or self.again)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInputs:
    """Everything known before the first change."""

    environment: str
    graph: Graph
    plan: Plan
    problems: tuple[Problem, ...]
    """Faults of the revision files and of the graph."""
    rewritten: tuple[Rewritten, ...] = ()
    """Revisions that somebody relied on, and that say something else now."""
    unseen: str = ""
    """Why it cannot be told whether this push rewrote what ran before there was a ledger."""
    intended_heads: tuple[str, ...]
    """Branch labels or revision ids for which several heads are meant."""
    unlabelled: tuple[str, ...] = ()
    """Why branch labels of some files are not known."""
    directory: str | None
    """The script folder, as shown in messages."""
    merge_command: str
    """How this project merges heads, without the revisions."""
    describe_origin: Callable[[str], str | None]
    """Who added a file and when, by git; None when git does not know."""
    connection_problem: str | None = None
    """Why the role cannot migrate, or None."""
    connection_next: str | None = None
    promote_from: str | None = None
    answers: tuple[SourceAnswer, ...] = ()
    """What the sources say of the environment before, as far as they were asked; the last one counts."""
    require: tuple[str, ...] = ()
    """What must have been done with a revision there: `rehearsal`, `rollback_test`."""
    soak: float = 0.0
    """Seconds that a revision must have been there."""
    now: datetime | None = None
    """The time of this run, in UTC; None when nothing of it depends on the time."""
    window: Window | None = None
    approval: str | None = None
    """The GitHub environment in which this run must have been approved; None when it need not be."""
    approved_by: tuple[str, ...] = ()
    """Who approved this run there."""
    approval_problem: str = ""
    """Why that cannot be told."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Why gates that fail may be passed over, by gate."""
    health: str = "off"
    """`block`, `warn` or `off`."""
    ailments: tuple[str, ...] = ()
    """Signs of a bad moment for a migration."""
    held: tuple[Executed, ...] = ()
    """Pending revisions that a rollback took back, and whose files are as they were then."""
    way_back: WayBack | None = None
    """Of a rollback: the downgrade of the revision that is to be taken back."""
    rehearse: str = "off"
    """`off`, `once` or `round_trip`."""
    unfinished: tuple[Unfinished, ...] = ()
    """What an earlier run left of revisions that it did not bring to their end."""
