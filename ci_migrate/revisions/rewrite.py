"""Revisions that are no longer what they were when somebody relied on them."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError
from ci_migrate.redact import plain
from ci_migrate.revisions.content import content_hashes

if TYPE_CHECKING:
    from ci_migrate.models import Revision
    from ci_migrate.revisions.graph import Graph
    from ci_migrate.revisions.surroundings import Surroundings

MOST_DIFF_LINES = 24
LONGEST_DIFF_LINE = 160


class Change(enum.Enum):
    """What became of a revision, as the end of "it was …"."""

    EDITED = "edited"
    DELETED = "deleted"
    REPARENTED = "re-parented"
    HELPER = "changed through a module that it uses"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRevision:
    """A revision as a record has it: the ledger of a database, or a commit."""

    revision: str
    message: str
    parents: tuple[str, ...]
    content_hash: str
    """Of any kind; empty when it is not known, then only a deletion is found."""
    source: str
    file: str | None = None
    """Where it was; a ledger does not know it."""
    when: str = ""
    """When it was executed, ISO 8601; empty for a commit."""
    commit: str = ""
    """The commit from which it ran, or that has it; empty when that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A known revision that is not the same any more."""

    known: KnownRevision
    change: Change
    file: str | None
    """Where it is now; None when it was deleted."""
    parents: tuple[str, ...] = ()
    """Its `down_revision` now."""
    hashes: tuple[str, ...] = ()
    """Every hash by which a record may know what it says now."""
    diff: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    """Files of the modules that changed it: all that it uses, where nobody knows what they were."""


def find_rewrites(
    known: Iterable[KnownRevision],
    graph: Graph,
    read: Callable[[Revision], str],
    around: Surroundings,
    around_then: Callable[[KnownRevision], Surroundings | None] = lambda _: None,
) -> list[Rewrite]:
    """Compare known revisions with the files of today, in their order.

    `read` returns the source of a revision and may raise ProjectError; a file that cannot be read or parsed
    is the business of others. Formatting, comments and the name of the file make no difference. `around_then`
    returns the modules as they were, asked only for a revision that they changed.
    """
    found = (_compare(each, graph.revisions.get(each.revision), read, around) for each in known)
    return [
        _tell_helpers(rewrite, read(graph.revisions[rewrite.known.revision]), around, around_then)
        if rewrite.change is Change.HELPER
        else rewrite
        for rewrite in found
        if rewrite is not None
    ]


def spare_replaced(rewrites: list[Rewrite], allowed: Collection[str]) -> list[Rewrite]:
    """Leave out deleted revisions of which everything that followed is gone or changed by permission.

    So a history that was squashed needs one permission, for its new beginning.
    """
    by_id = {rewrite.known.revision: rewrite for rewrite in rewrites}
    children: dict[str, list[str]] = {}
    for rewrite in rewrites:
        for parent in rewrite.known.parents:
            children.setdefault(parent, []).append(rewrite.known.revision)
    spared = {revision for revision in by_id if revision in allowed}
    todo = list(spared)
    while todo:
        for parent in by_id[todo.pop()].known.parents:
            is_gone = parent in by_id and by_id[parent].change is Change.DELETED
            if is_gone and parent not in spared and spared.issuperset(children[parent]):
                spared.add(parent)
                todo.append(parent)
    return [rewrite for rewrite in rewrites if rewrite.known.revision not in spared - set(allowed)]


def _compare(
    known: KnownRevision,
    now: Revision | None,
    read: Callable[[Revision], str],
    around: Surroundings,
) -> Rewrite | None:
    if now is None:
        return Rewrite(known=known, change=Change.DELETED, file=None)
    if not known.content_hash or now.file is None:
        return None
    try:
        source = read(now)
        if source == known.source and known.content_hash.startswith("v1:"):
            return None
        hashes = content_hashes(source, now.file, around)
    except ProjectError:
        return None
    if known.content_hash in hashes:
        return None
    if now.parents != known.parents:
        change = Change.REPARENTED
    else:
        change = Change.HELPER if _is_same_alone(known, hashes) else Change.EDITED
    return Rewrite(
        known=known,
        change=change,
        file=now.file,
        parents=now.parents,
        hashes=hashes,
        diff=tuple(_diff(known.source, source)),
    )


def _tell_helpers(
    rewrite: Rewrite,
    source: str,
    around: Surroundings,
    around_then: Callable[[KnownRevision], Surroundings | None],
) -> Rewrite:
    """Add which modules are not what they were, and how; all that it uses where that is not known."""
    known, then = rewrite.known, around_then(rewrite.known)
    # Only modules with which the file was what the record says are those of then.
    if then is None or known.content_hash not in content_hashes(known.source, None, then):
        return replace(rewrite, helpers=around.files_of(source))
    changed = around.changed_since(then, source, known.source)
    lines = (line for path in changed for line in _diff(then.text(path), around.text(path)))
    return replace(rewrite, helpers=changed, diff=tuple(islice(lines, MOST_DIFF_LINES)))


def _is_same_alone(known: KnownRevision, hashes: tuple[str, ...]) -> bool:
    """Return whether the file by itself does what it did."""
    try:
        return content_hashes(known.source)[0] == hashes[-1]
    except ProjectError:
        return False


def _diff(old: str, new: str) -> Iterator[str]:
    """Yield the changed lines with one line around them, as plain text; long ones and many are cut."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "before", "now", n=1, lineterm=""
    )
    for number, line in enumerate(lines):
        if number == MOST_DIFF_LINES:
            yield "…"
            return
        shown = plain(line).replace("\t", "    ")
        yield shown if len(shown) <= LONGEST_DIFF_LINE else shown[: LONGEST_DIFF_LINE - 1] + "…"
