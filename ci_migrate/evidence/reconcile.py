"""The ledger against its copies beside the backups: what one of them does not know, and what is true of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ci_migrate.evidence.ledger_copy import RunCopies, RunCopy, write_copy
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.ledger.rows import STARTED, without_remains
from ci_migrate.revisions.graph import Graph

if TYPE_CHECKING:
    from ci_migrate.backup.stores.protocol import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """How a ledger and its copies differ."""

    lost: tuple[RunCopy, ...]
    """Runs that only the copies know, oldest first: the database was taken back in time."""
    behind: tuple[RunCopy, ...]
    """Runs of which the copy tells an end that the ledger does not know, or another one."""
    uncopied: tuple[str, ...]
    """Runs that only the ledger knows: the store was out of reach, or is another one now."""
    stale: tuple[str, ...]
    """Runs of which the ledger tells an end that the copy does not know."""
    undone: tuple[tuple[str, str], ...]
    """Run and revision of what the ledger calls executed and the version rows do not have."""

    def __bool__(self) -> bool:
        """Whether they differ at all."""
        return bool(self.lost or self.behind or self.uncopied or self.stale or self.undone)


def find_fork(
    ledger: Ledger, copies: RunCopies, is_gone: Callable[[Mapping[str, Any]], bool]
) -> Fork:
    """Compare a ledger with its copies; `is_gone` tells of a row what the database does not have any more."""
    known = ledger.outcomes()
    copied = {copy.run_id: str(copy.run["outcome"]) for copy in copies.runs}
    return Fork(
        lost=tuple(copy for copy in copies.runs if copy.run_id not in known),
        behind=tuple(copy for copy in copies.runs if _tells_more(copy, known.get(copy.run_id))),
        uncopied=tuple(run for run in known if run not in copied),
        stale=tuple(run for run in known if copied.get(run) == STARTED != known[run]),
        undone=tuple(
            (str(row["run_id"]), str(row["revision"]))
            for row in ledger.executed_rows()
            if is_gone(row)
        ),
    )


def heal_fork(
    ledger: Ledger,
    copies: RunCopies,
    is_gone: Callable[[Mapping[str, Any]], bool],
    *,
    is_inside: bool,
) -> Fork:
    """Write into the ledger what it has lost, and mark what the database has no more; return what was done.

    `is_inside`: the ledger lies in the database itself. A run that is missing behind others there was taken back with
    its traces, by a restore; where none is before it, the ledger itself may be another one.
    """
    fork = find_fork(ledger, copies, is_gone)
    first = ledger.first_run_at() if is_inside else None
    for copy in fork.lost:
        is_restored = first is not None and str(copy.run["started_at"]) > first
        ledger.add_rows(without_remains(copy.rows) if is_restored else copy.rows)
    for copy in fork.behind:
        ledger.take_over_ending(copy.rows)
    undone = find_fork(ledger, copies, is_gone).undone
    by_run: dict[str, list[str]] = {}
    for run, revision in undone:
        by_run.setdefault(run, []).append(revision)
    for run, revisions in by_run.items():
        ledger.mark_undone(run, revisions)
    return replace(fork, uncopied=(), stale=(), undone=undone)


def copy_missing(ledger: Ledger, copies: RunCopies, store: Store) -> tuple[str, ...]:
    """Write beside the backups each run that the ledger knows better than its copies; return their ids.

    Raises BackupError when the store does not take one.
    """
    fork = find_fork(ledger, copies, lambda _: False)
    missing = (*fork.uncopied, *fork.stale)
    for run_id in missing:
        write_copy(store, ledger.rows_of_run(run_id))
    return missing


def gone_by_rows(
    ledger: Ledger, graph: Graph, rows: tuple[str, ...]
) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells an upgrade of the ledger that neither the version rows show nor a later downgrade explains.

    Revisions without a file here cannot be judged, and are not.
    """
    present = graph.ancestors(row for row in rows if row in graph.revisions)
    taken_back = _taken_back(ledger)

    def is_gone(row: Mapping[str, Any]) -> bool:
        revision = str(row["revision"])
        is_known = row["direction"] == "upgrade" and revision in graph.revisions
        return is_known and revision not in present and (row["run_id"], revision) not in taken_back

    return is_gone


def explain_fork(fork: Fork) -> Iterator[str]:
    """Yield a sentence for each way in which they differ."""
    for copy in fork.lost:
        run = copy.run
        yield (
            f"only the store knows the {run['command']} of {run['started_at']} ({run['outcome']}): the database was"
            " restored to a state before it, or is another one"
        )
    for copy in fork.behind:
        run = copy.run
        yield (
            f"the store says that the {run['command']} of {run['started_at']} ended {run['outcome']};"
            " the ledger says otherwise"
        )
    for run_id in fork.uncopied:
        yield f"only the ledger knows run {run_id}: its backups went elsewhere, or the store was out of reach"
    for run_id in fork.stale:
        yield f"the store says that run {run_id} has begun; the ledger says how it ended"
    for run_id, revision in fork.undone:
        yield f"the ledger says that run {run_id} executed {revision}, but the version rows do not have it"


def _tells_more(copy: RunCopy, outcome: str | None) -> bool:
    return outcome not in (None, copy.run["outcome"]) and copy.run["outcome"] != STARTED


def _taken_back(ledger: Ledger) -> set[tuple[str, str]]:
    """Return run and revision of each upgrade that a later downgrade of the ledger's took back."""
    last: dict[str, str] = {}
    taken_back = set()
    for row in ledger.executed_rows():
        revision = str(row["revision"])
        if row["direction"] == "upgrade":
            last[revision] = str(row["run_id"])
        elif revision in last:
            taken_back.add((last[revision], revision))
    return taken_back
