"""Revisions that a database has and no file declares, and the way back to what the files explain: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ci_migrate.models import Revision
from ci_migrate.recovery.lost_sources import LostSource
from ci_migrate.revisions.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """What is lost, and where the database stands once it is taken back."""

    found: tuple[LostSource, ...]
    """In the order in which they are taken back, children first."""
    unknown: tuple[str, ...]
    """Revisions of which neither ledger nor git has the text."""
    below: tuple[str, ...]
    """Revisions with a file that are built on a lost one, and are in the database."""
    target: tuple[str, ...]
    """Version rows afterwards: the common ancestors, and what other rows stand for."""
    graph: Graph
    """The files' graph together with what was lost."""


def find_orphans(
    graph: Graph, rows: Iterable[str], find: Callable[[str], LostSource | None]
) -> Orphans:
    """Follow the rows down to what the files declare; `find` returns the text of a lost revision."""
    rows = tuple(rows)
    lost, unknown = _collect(graph, rows, find)
    whole = Graph([*graph.revisions.values(), *(item.revision for item in lost.values())])
    present = whole.ancestors(row for row in rows if row in whole.revisions)
    order = [item for item in whole.pending((), rows) if item in lost]
    below = [
        item
        for item in sorted(present - lost.keys())
        if any(parent in lost or parent in unknown for parent in _needs(whole.revisions[item]))
        or whole.ancestors([item]) & lost.keys()
    ]
    return Orphans(
        found=tuple(lost[item] for item in reversed(order)),
        unknown=tuple(unknown),
        below=tuple(below),
        target=whole.real_heads(present - lost.keys()),
        graph=whole,
    )


def _collect(
    graph: Graph, rows: tuple[str, ...], find: Callable[[str], LostSource | None]
) -> tuple[dict[str, LostSource], list[str]]:
    lost: dict[str, LostSource] = {}
    unknown: list[str] = []
    known = graph.ancestors(row for row in rows if row in graph.revisions)
    todo = [*rows, *(need for item in known for need in _needs(graph.revisions[item]))]
    while todo:
        name = todo.pop()
        if graph.resolve(name) is not None or name in lost or name in unknown:
            continue
        source = find(name)
        if source is None:
            unknown.append(name)
            continue
        lost[name] = source
        todo += _needs(source.revision)
    return lost, unknown


def _needs(revision: Revision) -> tuple[str, ...]:
    return (*revision.parents, *revision.depends_on)
