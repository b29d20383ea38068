"""The schemas that a history builds on its way up, each compared with a live one."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.database.catalog import Snapshot
from ci_migrate.database.comparison import Difference, compare_schemas
from ci_migrate.errors import ProofError
from ci_migrate.rehearsal.trial import TrialRequest, open_trial


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


def find_candidates(request: TrialRequest, live: Snapshot) -> Candidates:
    """Build the history upward once on a scratch database, and compare after each revision."""
    found: list[Candidate] = []
    stopped = None
    with open_trial(request) as trial:

        def look() -> None:
            rows = trial.rows()
            if rows and not (found and found[-1].rows == rows):
                found.append(
                    Candidate(rows=rows, differences=compare_schemas(live, trial.schema()))
                )

        graph = request.history.graph
        try:
            trial.upgrade(graph.real_heads(graph.heads()), between=look)
        except ProofError as exc:
            stopped = exc
            look()
    return Candidates(found=tuple(found), stopped=stopped)
