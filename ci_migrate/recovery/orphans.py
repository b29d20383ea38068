"""Revisions that a database has and the files do not explain, and the way back to what they explain: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ci_migrate.models import Revision
from ci_migrate.recovery.lost_sources import LostSource
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.moves import find_apart

Find = Callable[[str], "LostSource | None"]


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
    """The files' graph together with what was lost, as it ran."""
    moved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Parents in the file of each re-parented revision among those found, which has its file."""
    kept: frozenset[str] = frozenset()
    """Those of the found that have their file, re-parented or as it was."""
    apart: tuple[str, ...] = ()
    """Those of the found that neither follow a revision with a file nor are followed by one."""


def find_orphans(
    graph: Graph,
    rows: Iterable[str],
    find: Find,
    executed: Mapping[str, tuple[str, ...]] | None = None,
) -> Orphans:
    """Follow the rows down to what the files declare; `find` returns the text of a revision as it ran.

    `executed` are the parents that revisions had when they ran. One that has others in its file since is taken back,
    too, with all that was built on it, when its file wants something below it that the database does not have, when it
    ran on what is lost, or when by the files something that it ran on is not in the database.
    """
    rows = tuple(rows)
    then, moved = _as_executed(graph, find, executed or {})
    lost, unknown = _collect(then, rows, find)
    whole = Graph([*then.revisions.values(), *(item.revision for item in lost.values())])
    present = whole.ancestors(row for row in rows if row in whole.revisions)
    rest = present - lost.keys()
    again = rest - graph.ancestors(whole.real_heads(rest))
    kept = _find_kept(graph, whole, moved, present, lost.keys() | again) - lost.keys()
    sources = {**lost, **{name: source for name in kept if (source := find(name))}}
    unknown += sorted(kept - sources.keys())
    below = [
        item
        for item in sorted(present - sources.keys())
        if any(parent in lost or parent in unknown for parent in _needs(whole.revisions[item]))
        or whole.ancestors([item]) & lost.keys()
    ]
    order = [item for item in whole.pending((), rows) if item in sources]
    return Orphans(
        found=tuple(sources[item] for item in reversed(order)),
        unknown=tuple(unknown),
        below=tuple(below),
        target=whole.real_heads(present - sources.keys()),
        graph=whole,
        moved={name: graph.revisions[name].parents for name in sorted(kept & moved.keys())},
        kept=frozenset(kept),
        apart=find_apart(order, whole, graph),
    )


def _as_executed(
    graph: Graph, find: Find, executed: Mapping[str, tuple[str, ...]]
) -> tuple[Graph, dict[str, Revision]]:
    """Return the graph in which re-parented revisions have the parents that they ran with, and those revisions."""
    moved: dict[str, Revision] = {}
    for name, parents in executed.items():
        now = graph.revisions.get(name)
        if now is not None and set(now.parents) != set(parents) and (source := find(name)):
            moved[name] = source.revision
    if not moved:
        return graph, moved
    return Graph([moved.get(name, each) for name, each in graph.revisions.items()]), moved


def _find_kept(
    graph: Graph,
    whole: Graph,
    moved: Mapping[str, Revision],
    present: set[str],
    unfit: set[str],
) -> set[str]:
    """Return what has to be taken back, so that the files can be followed; nothing of it can stay on the `unfit`."""
    first = {
        name
        for name in moved
        if name in present
        and (graph.ancestors([name]) - present or whole.ancestors([name]) & unfit)
    }
    built_on = {name for name in present if whole.ancestors([name]) & first}
    return first | built_on


def _collect(
    graph: Graph, rows: tuple[str, ...], find: Find
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
