"""The schemas that a history builds on its way up, each compared with a live one."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.database.catalog import Snapshot
from ci_migrate.database.comparison import Difference, compare_schemas
from ci_migrate.errors import ProofError
from ci_migrate.rehearsal.trial import TrialRequest, open_trial
from ci_migrate.revisions.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A state that the history passes through."""

    rows: tuple[str, ...]
    """Version rows of a database in that state."""
    differences: tuple[Difference, ...]
    """What the live schema (first) and this one (second) do not have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """All states that could be built."""

    found: tuple[Candidate, ...]
    """From the first revision to the last."""
    stopped: ProofError | None
    """Why the history could not be built to its end."""

    @property
    def matching(self) -> tuple[Candidate, ...]:
        """Those whose schema is exactly the live one; several when a revision changes only data."""
        return tuple(candidate for candidate in self.found if not candidate.differences)

    @property
    def nearest(self) -> Candidate | None:
        """The one that differs least, the latest of several."""
        return min(reversed(self.found), key=lambda item: len(item.differences), default=None)


def find_candidates(request: TrialRequest, live: Snapshot, named: str | None = None) -> Candidates:
    """Build the history upward on a scratch database, and compare after each revision.

    A history with branches is walked in one order first. Where that order does not pass the live schema, each branch
    is built by itself, too, and so is the revision `named` where it was not passed alone.
    """
    graph = request.history.graph
    found, stopped = _walk(request, live, graph.real_heads(graph.heads()))
    for target in _branches(graph, named):
        is_matched = any(not candidate.differences for candidate in found)
        if (target != named and (named or is_matched)) or any(c.rows == (target,) for c in found):
            continue
        known = {candidate.rows for candidate in found}
        found += [one for one in _walk(request, live, (target,))[0] if one.rows not in known]
    return Candidates(found=tuple(found), stopped=stopped)


def _walk(
    request: TrialRequest, live: Snapshot, targets: tuple[str, ...]
) -> tuple[list[Candidate], ProofError | None]:
    found: list[Candidate] = []
    with open_trial(request) as trial:

        def look() -> None:
            rows = trial.rows()
            if rows and not (found and found[-1].rows == rows):
                found.append(
                    Candidate(rows=rows, differences=compare_schemas(live, trial.schema()))
                )

        try:
            trial.upgrade(targets, between=look)
        except ProofError as exc:
            look()
            return found, exc
    return found, None


def _branches(graph: Graph, named: str | None) -> list[str]:
    """Return the revision that was named, the heads, and where branches end in a merge."""
    merged = {
        parent
        for revision in graph.revisions.values()
        if len(revision.parents) > 1
        for parent in revision.parents
    }
    ends = {*graph.heads(), *merged} - {named}
    first = [named] if named in graph.revisions else []
    return [name for name in first if name] + sorted(ends)
