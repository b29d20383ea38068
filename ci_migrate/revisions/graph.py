"""The graph of the revisions: heads, what is pending, what implies what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.revisions.defects import find_defects

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from ci_migrate.models import Revision
    from ci_migrate.revisions.problem import Problem

VERSION_COLUMN_LENGTH = 32
"""Length of `alembic_version.version_num` as Alembic creates it."""

SHORTEST_PREFIX = 4
"""Alembic's rule for abbreviated ids."""


class Graph:
    """The revisions of a project, joined by `down_revision` and `depends_on`.

    A broken graph is no reason to raise: unknown ids are passed over, the last of several files
    with one id counts (as in Alembic), and `problems` names every defect.
    """

    def __init__(self, revisions: Iterable[Revision]) -> None:
        self._all = tuple(revisions)
        self._by_id = {revision.id: revision for revision in self._all}
        self._by_label = {
            label: revision.id for revision in self._by_id.values() for label in revision.labels
        }
        self._parents = {
            revision.id: tuple(p for p in dict.fromkeys(revision.parents) if p in self._by_id)
            for revision in self._by_id.values()
        }
        self._needs = {
            revision.id: tuple(dict.fromkeys((*self._parents[revision.id], *self._deps(revision))))
            for revision in self._by_id.values()
        }

    @property
    def revisions(self) -> Mapping[str, Revision]:
        """The revisions by id, in the order in which they were read."""
        return self._by_id

    def heads(self) -> tuple[str, ...]:
        """Return the revisions that no other has as `down_revision`, sorted."""
        inner = {parent for parents in self._parents.values() for parent in parents}
        return tuple(sorted(self._by_id.keys() - inner))

    def ancestors(self, ids: Iterable[str]) -> set[str]:
        """Return the ids with all that they need, by parents and dependencies."""
        return set(self._walk(ids, self._needs, ()))

    def pending(self, current: Iterable[str], target: Iterable[str]) -> tuple[str, ...]:
        """Return what `target` needs and `current` does not have, parents first.

        The order is the same in every run: branch by branch, by the sorted ids of `target`.
        """
        return tuple(self._walk(sorted(target), self._needs, self.ancestors(current)))

    def unknown(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the ids that no file declares, in the given order."""
        return tuple(id_ for id_ in dict.fromkeys(ids) if id_ not in self._by_id)

    def overlapping(self, rows: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Return the pairs (ancestor, descendant) among version rows; Alembic refuses such rows."""
        wanted = sorted(set(rows) & self._by_id.keys())
        if not set(wanted) - set(self.real_heads(wanted)):
            return ()  # one walk for the usual case, in place of one for each row
        pairs = []
        for descendant in wanted:
            above = self.ancestors(self._needs[descendant])
            pairs += [(id_, descendant) for id_ in wanted if id_ in above and id_ != descendant]
        return tuple(sorted(pairs))

    def real_heads(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return those of the ids that no other of them needs: what the version table will hold."""
        known = [id_ for id_ in set(ids) if id_ in self._by_id]
        if len(known) < 2:  # nearly always; no walk through the whole history
            return tuple(known)
        implied = self.ancestors(need for id_ in known for need in self._needs[id_])
        return tuple(sorted(id_ for id_ in known if id_ not in implied))

    def covers(self, name: str, head: str) -> bool:
        """Return whether `head` is or descends from the revision with this label or id.

        As with branch labels in Alembic, `depends_on` makes no descendants.
        """
        start = self.resolve(name)
        return start is not None and start in self._walk((head,), self._parents, ())

    def resolve(self, name: str) -> str | None:
        """Return the id that a name means: an id, a label, or the start of exactly one id.

        None when it means nothing or more than one; a start has at least four characters.
        """
        if name in self._by_id:
            return name
        if name in self._by_label:
            return self._by_label[name]
        if len(name) < SHORTEST_PREFIX:
            return None
        found = [id_ for id_ in self._by_id if id_.startswith(name)]
        return found[0] if len(found) == 1 else None

    def problems(self, id_limit: int | None = VERSION_COLUMN_LENGTH) -> tuple[Problem, ...]:
        """Return every defect; `id_limit` is the length of the version column, None for any."""
        return find_defects(self._all, self._by_id, self._by_label, self._needs, id_limit)

    def _deps(self, revision: Revision) -> list[str]:
        # Alembic resolves `depends_on` by id and label only, never by a shortened id.
        named = (
            self._by_label.get(dep, dep) if dep not in self._by_id else dep
            for dep in revision.depends_on
        )
        return [dep for dep in named if dep in self._by_id]

    def _walk(
        self, start: Iterable[str], edges: Mapping[str, tuple[str, ...]], done: Collection[str]
    ) -> list[str]:
        """Return everything reachable from `start` but not in `done`, what is needed first."""
        seen = set(done)
        order: list[str] = []
        for root in start:
            if root in seen or root not in self._by_id:
                continue
            seen.add(root)
            path = [(root, iter(edges[root]))]
            while path:
                node, rest = path[-1]
                following = next((need for need in rest if need not in seen), None)
                if following is None:
                    order.append(node)
                    path.pop()
                else:
                    seen.add(following)
                    path.append((following, iter(edges[following])))
        return order
