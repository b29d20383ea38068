"""What a run would do, and what of it is done: pure, from graph and version rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ci_migrate.models import Plan, Revision
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.revisions.graph import Graph


def build_plan(
    graph: Graph,
    rows: tuple[str, ...],
    describe: Callable[[Revision], PendingRevision],
    *,
    expect: Callable[[], None] | None = None,
) -> Plan:
    """Return the plan that brings a database with these version rows to the heads of the graph.

    `describe` adds to a revision what its source says; `expect` is called before that, when something is
    pending. On a broken graph, or with rows it does not know,
    the plan is what can be told; the gates say what is wrong.
    """
    heads = graph.heads()
    known = tuple(row for row in rows if row in graph.revisions)
    pending = graph.pending(known, heads)
    if pending and expect is not None:
        expect()
    return Plan(
        current=rows,
        target=graph.real_heads(heads),
        pending=tuple(describe(graph.revisions[revision]) for revision in pending),
    )


def find_done(
    direction: str, planned: Iterable[str], rows: tuple[str, ...], graph: Graph
) -> set[str]:
    """Return those of the planned revisions that were carried out, by the version rows that are there now.

    An upgrade has put them into the database, a downgrade out of it.
    """
    known = [row for row in rows if row in graph.revisions]
    present = graph.ancestors(known).union(rows)
    if direction == "upgrade":
        return {revision for revision in planned if revision in present}
    return {revision for revision in planned if revision not in present}
