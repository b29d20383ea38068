"""Which revision a rollback takes back, and where that leads: pure, refuses what is not certain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ci_migrate.errors import BlockedError
from ci_migrate.ledger.facts import Executed
from ci_migrate.models import Plan, Revision
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.revisions.graph import Graph


def choose_revision(
    graph: Graph, rows: tuple[str, ...], applied: Sequence[Executed], expect: str | None
) -> Executed:
    """Return the revision that ran last and can be taken back alone.

    `applied` are the upgrades of the ledger that were not taken back, the last one last; `expect` is the
    revision that the caller means. Raises BlockedError, with the reason, when that is not certain.
    """
    if not applied:
        raise BlockedError(
            "the ledger of this environment has no revision that ci-migrate ran: which one ran last is not known",
            next_step="Without that record nothing is taken back by guess. Restore a backup, or write a"
            " revision that goes on.",
        )
    last = _expected(graph, rows, applied, expect)
    name = _name(last)
    if last.revision not in graph.revisions:
        at = f" Check out {last.commit}, which has it, and run this there." if last.commit else ""
        raise BlockedError(
            f"{name} ran last, but no revision file of this work tree has it",
            next_step=f"Its downgrade() is in that file.{at}",
        )
    if last.revision not in rows:
        raise BlockedError(_why_no_row(graph, rows, name, last.revision))
    return last


def plan_rollback(
    graph: Graph,
    rows: tuple[str, ...],
    revision: str,
    describe: Callable[[Revision], PendingRevision],
) -> Plan:
    """Return the plan that takes back one revision, which is a version row: to the rows of what it needs."""
    node = graph.revisions[revision]
    needed = graph.ancestors([revision]) - {revision}
    left = [row for row in rows if row != revision]
    return Plan(
        current=rows,
        target=tuple(sorted(graph.real_heads([*left, *needed]))),
        pending=(describe(node),),
        direction="downgrade",
    )


def _expected(
    graph: Graph, rows: tuple[str, ...], applied: Sequence[Executed], expect: str | None
) -> Executed:
    last = applied[-1]
    heads = [item for item in applied if item.run_id == last.run_id and item.revision in rows]
    wanted = graph.resolve(expect) or expect if expect else None
    if wanted is None and len(heads) > 1:
        names = ", ".join(item.revision for item in heads)
        raise BlockedError(
            f"{len(heads)} heads were applied by the same run, and none of them before the others: {names}",
            next_step="Say which one is meant: --expect REVISION.",
        )
    for item in [last, *heads]:
        if wanted in {None, item.revision}:
            return item
    raise BlockedError(
        f"{wanted} was expected to be what ran last, but that is {_name(last)}, on {last.when}",
        next_step="Somebody else was here since. Look at `ci-migrate history`, then decide anew.",
    )


def _why_no_row(graph: Graph, rows: tuple[str, ...], name: str, revision: str) -> str:
    known = [row for row in rows if row in graph.revisions]
    above = [row for row in known if revision in graph.ancestors([row])]
    if above:
        return (
            f"{name} is the last that ci-migrate ran, but {', '.join(above)} needs it and is in the database,"
            " too: something else applied that. Take it back the way it came first"
        )
    return (
        f"the ledger says that {name} ran last, but the database is at {', '.join(rows) or 'base'}, without"
        " it: something else took it back, or a backup was restored. What ran last is not known"
    )


def _name(item: Executed) -> str:
    return f"{item.revision} '{item.message}'" if item.message else item.revision
