"""What is lost, as lines for the console: shown before anything is done about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ci_migrate.recovery.half_applied import HalfApplied
from ci_migrate.recovery.lost_sources import LostSource
from ci_migrate.recovery.orphans import Orphans
from ci_migrate.redact import one_line
from ci_migrate.words import counted


def orphan_lines(orphans: Orphans, *, with_plan: bool = True) -> Iterator[str]:
    """Yield each lost revision with its text, and where the database stands without them."""
    for item in orphans.found:
        yield from _source_lines(item, orphans)
    for revision in orphans.unknown:
        yield f"lost        {revision}: neither the ledger nor git has its text"
    for revision in orphans.below:
        yield f"built on it {revision}, which still has its file"
    if orphans.found and with_plan:
        names = ", ".join(item.revision.id for item in orphans.found)
        yield f"plan        take back {names}, by their own downgrade()"
        yield f"            then the database is at {', '.join(orphans.target) or 'base'}"


def _source_lines(item: LostSource, orphans: Orphans) -> Iterator[str]:
    revision = item.revision
    word = "moved" if revision.id in orphans.moved else "lost"
    if revision.id in orphans.kept and revision.id not in orphans.moved:
        word = "built on it"
    yield f"{word:<12}{revision.id} {one_line(revision.message, 80)}".rstrip()
    yield f"            after {', '.join(revision.parents) or 'nothing: it is a base'}"
    if revision.id in orphans.moved:
        parents = ", ".join(orphans.moved[revision.id]) or "nothing"
        yield f"            its file says by now: after {parents}"
    if item.executed and item.executed.commit:
        yield f"            ran here from commit {one_line(item.executed.commit, 40)}"
    yield f"            its text is from {item.origin}:"
    for line in item.source.splitlines():
        yield f"    | {line}"


def missing_lines(statements: Sequence[str]) -> Iterator[str]:
    """Yield the statements that a half-applied revision still lacks."""
    for statement in statements:
        yield f"  not in   {one_line(statement, 200)}"
    yield f"plan        run {counted(len(statements), 'statement')}, then write its version row"


def half_applied_lines(half: HalfApplied) -> Iterator[str]:
    """Yield the statements of a revision that ended in the middle, and what can be done about them."""
    run = "rollback" if half.direction == "downgrade" else "run"
    yield f"half done   {half.revision}, in the {run} that began {half.started_at}"
    for statement in half.statements:
        yield f"  {statement.state.value.ljust(8)} {one_line(statement.text, 200)}"
        if statement.inverse:
            yield f"           undone by: {one_line(statement.inverse, 200)}"
        elif statement.why_no_inverse:
            yield f"           cannot be undone by a statement: {statement.why_no_inverse}"
