"""What the gates judge; gathered once, so that each gate is a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ci_migrate.models import Evidence, Plan, Unfinished
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInputs:
    """Everything known before the first change."""

    environment: str
    graph: Graph
    plan: Plan
    problems: tuple[Problem, ...]
    """Faults of the revision files and of the graph."""
    intended_heads: tuple[str, ...]
    """Branch labels or revision ids for which several heads are meant."""
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
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """What the environment before has executed, by revision."""
    evidence_problem: str | None = None
    health: str = "off"
    """`block`, `warn` or `off`."""
    ailments: tuple[str, ...] = ()
    """Signs of a bad moment for a migration."""
    unfinished: tuple[Unfinished, ...] = ()
    """What an earlier run left of revisions that are pending again."""
