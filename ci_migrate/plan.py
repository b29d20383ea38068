"""What an upgrade would do: pure, from graph and version rows."""

from __future__ import annotations

from collections.abc import Callable

from ci_migrate.models import PendingRevision, Plan, Revision
from ci_migrate.revisions.graph import Graph


def build_plan(
    graph: Graph, rows: tuple[str, ...], describe: Callable[[Revision], PendingRevision]
) -> Plan:
    """Return the plan that brings a database with these version rows to the heads of the graph.

    `describe` adds to a revision what its source says. On a broken graph, or with rows it does not know,
    the plan is what can be told; the gates say what is wrong.
    """
    heads = graph.heads()
    known = tuple(row for row in rows if row in graph.revisions)
    pending = graph.pending(known, heads)
    return Plan(
        current=rows,
        target=graph.real_heads(heads),
        pending=tuple(describe(graph.revisions[revision]) for revision in pending),
    )
