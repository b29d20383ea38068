"""Heads explained: where each comes from, what is its own, and which tables several of them touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ci_migrate.gates.heads import (
    NOWHERE_ADVICE,
    describe_nowhere,
    find_mergeable,
    find_unintended,
)
from ci_migrate.git.origin import Origin
from ci_migrate.models import Revision
from ci_migrate.redact import shell_text, shell_words
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.touched_tables import find_touched_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One head, with what makes it different from the others."""

    revision: str
    message: str
    file: str | None
    labels: tuple[str, ...]
    origin: Origin | None
    """The commit that added its file; None where git does not know."""
    own: tuple[str, ...]
    """Revisions that no other head has, parents first; the head itself is the last."""
    tables: tuple[str, ...]
    """Tables that these name."""
    side: str = ""
    """In a merge: the side that brings it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTable:
    """A table that the own revisions of several heads name."""

    table: str
    revisions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The heads of a history, or of what a merge would make of two."""

    heads: tuple[Head, ...]
    stray: tuple[str, ...]
    """Heads that nobody meant; empty when there is one head, or each is named in `migrations.heads`."""
    mergeable: tuple[tuple[str, ...], ...]
    """Of these and the others, the heads that belong together, group by group."""
    shared: tuple[SharedTable, ...]
    problems: tuple[Problem, ...]
    """Defects of the files and of the graph."""
    merge_command: str
    """The command that merges the heads; empty when nothing is to be merged."""
    against: str | None = None
    """The ref that the working directory's commit was merged with; None when nothing was merged."""
    conflicts: tuple[str, ...] = ()
    """Revision files on which both sides disagree."""
    notes: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether a promotion of this history would stop at the gates."""
        return bool(self.stray or self.problems or self.conflicts)


def explain_heads(
    graph: Graph,
    intended: tuple[str, ...],
    *,
    read: Callable[[str], str],
    find_origin: Callable[[str], Origin | None],
    merge_command: str,
    problems: tuple[Problem, ...] = (),
    unlabelled: tuple[str, ...] = (),
) -> Explanation:
    """Explain the heads of a graph.

    `intended` are the names of `migrations.heads`; `read` returns the source of a file of a revision,
    `find_origin` who added it; `merge_command` lacks message and revisions; `unlabelled` is why labels of some
    files are not known.
    """
    heads = graph.heads()
    own = {head: _own_revisions(graph, head, heads) for head in heads}
    named = {
        revision: find_touched_tables(read(file), file)
        for revisions in own.values()
        for revision in revisions
        if (file := graph.revisions[revision].file) is not None
    }
    stray, groups = find_unintended(graph, intended), find_mergeable(graph, intended)
    told = tuple(
        _describe(graph.revisions[head], own[head], named, find_origin if len(heads) > 1 else None)
        for head in heads
    )
    return Explanation(
        heads=told,
        stray=stray,
        mergeable=groups,
        shared=_shared_tables(own, named),
        problems=(*problems, *_find_nowhere(graph, intended, unlabelled)),
        merge_command="\n".join(
            f"{merge_command} -m {shell_text(merge_message(group))} {shell_words(*group)}"
            for group in groups
        ),
    )


def _find_nowhere(
    graph: Graph, intended: tuple[str, ...], unlabelled: tuple[str, ...]
) -> Iterator[Problem]:
    if nowhere := describe_nowhere(graph, intended, unlabelled):
        yield Problem(message=nowhere, next_step=NOWHERE_ADVICE)


def merge_message(heads: tuple[str, ...]) -> str:
    """Return the message of a revision that merges heads."""
    return f"merge {' and '.join(heads)}"


def _describe(
    revision: Revision,
    own: tuple[str, ...],
    named: Mapping[str, frozenset[str]],
    find_origin: Callable[[str], Origin | None] | None,
) -> Head:
    tables = {table for item in own for table in named.get(item, ())}
    return Head(
        revision=revision.id,
        message=revision.message,
        file=revision.file,
        labels=revision.labels,
        origin=find_origin(revision.file) if find_origin and revision.file else None,
        own=own,
        tables=tuple(sorted(tables)),
    )


def _own_revisions(graph: Graph, head: str, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Return what only this head has; nothing for a head that is the only one."""
    others = [other for other in heads if other != head]
    return graph.pending(others, [head]) if others else ()


def _shared_tables(
    own: Mapping[str, tuple[str, ...]], named: Mapping[str, frozenset[str]]
) -> tuple[SharedTable, ...]:
    by_table: dict[str, dict[str, list[str]]] = {}
    for head, revisions in own.items():
        for revision in revisions:
            for table in named.get(revision, ()):
                by_table.setdefault(table, {}).setdefault(head, []).append(revision)
    return tuple(
        SharedTable(table=table, revisions=tuple(r for found in heads.values() for r in found))
        for table, heads in sorted(by_table.items())
        if len(heads) > 1
    )
