"""Revisions that were re-parented after they ran, and what a promotion by their files would do wrong: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_migrate.revisions.graph import Graph

Parents = Mapping[str, tuple[str, ...]]
"""What each executed revision followed when it ran."""


def find_skipped(revision: str, then: Parents, graph: Graph) -> tuple[str, ...]:
    """Return what a revision has below it now, and neither had when it ran nor was executed since: it never would be.

    Nothing where its old parents are gone: then the new ones stand for a history that was squashed.
    """
    parents = then[revision]
    if parents and not any(parent in graph.revisions for parent in parents):
        return ()
    below = graph.ancestors(parent for parent in parents if parent in graph.revisions)
    by_file = graph.revisions[revision].parents
    now = graph.ancestors(parent for parent in by_file if parent in graph.revisions)
    return tuple(sorted(now - below - then.keys()))


def find_again(revision: str, then: Parents, pending: Collection[str]) -> tuple[str, ...]:
    """Return what ran before a revision that is applied, and is pending by the files of today: it would run twice."""
    if revision in pending:
        return ()
    below: set[str] = set()
    todo = [revision]
    while todo:
        new = set(then.get(todo.pop(), ())) - below
        below |= new
        todo += new
    return tuple(sorted(below.intersection(pending)))


def find_accepted(
    allowed: Collection[str], then: Parents, graph: Graph, pending: Collection[str]
) -> set[str]:
    """Return those of the `allowed` revisions that can follow what their files say: a squashed history, for one."""
    return {
        name
        for name in allowed
        if name in then
        and name in graph.revisions
        and not find_skipped(name, then, graph)
        and not find_again(name, then, pending)
    }


def find_apart(lost: Iterable[str], whole: Graph, graph: Graph) -> tuple[str, ...]:
    """Return those of some revisions that `whole` does not join with the files of `graph`, in their order."""
    ours = graph.revisions.keys()
    needed = whole.ancestors(ours)
    return tuple(name for name in lost if name not in needed and not whole.ancestors([name]) & ours)
