"""Heads as lines for the console."""

from __future__ import annotations

from collections.abc import Iterator

from ci_migrate.heads.explanation import Explanation, Head
from ci_migrate.heads.watch import Verdict
from ci_migrate.redact import one_line, shell_words
from ci_migrate.report.prose import short_list
from ci_migrate.words import counted

MOST_TABLES = 10


def heads_lines(explanation: Explanation, *, with_advice: bool = True) -> Iterator[str]:
    """Yield the heads, what is wrong with them, and the way out."""
    count = len(explanation.heads)
    what = counted(count, "head") if count else "no revision yet"
    if explanation.against:
        what += f" after a merge with {explanation.against}"
    if count > 1 and not explanation.stray:
        what += ", all named in migrations.heads"
    yield what
    for head in explanation.heads:
        yield from _head_lines(head)
    for shared in explanation.shared:
        yield f"both touch  {shared.table}: {', '.join(shared.revisions)}"
    if count > 1 and not explanation.shared:
        yield "both touch  no table that their text names"
    for path in explanation.conflicts:
        yield f"conflict    {path}: both sides changed it; what a merge makes of it, nobody can tell"
    for problem in explanation.problems:
        yield f"defect      {one_line(problem.message, 300)}"
    for note in explanation.notes:
        yield f"note        {note}"
    if explanation.merge_command and with_advice:
        yield from _way_out(explanation)


def _head_lines(head: Head) -> Iterator[str]:
    labels = f" ({', '.join(head.labels)})" if head.labels else ""
    yield f"  {head.revision}{labels} {one_line(head.message, 80)}".rstrip()
    if head.file:
        yield f"      {head.file}"
    if head.origin:
        yield f"      added by {head.origin.author} on {head.origin.date} in {head.origin.commit[:12]}"
    if head.side:
        yield f"      comes with {head.side}"
    if len(head.own) > 1:
        yield f"      with {short_list(head.own[:-1])}"
    if head.tables:
        more = (
            f" and {len(head.tables) - MOST_TABLES} more" if len(head.tables) > MOST_TABLES else ""
        )
        yield f"      touches {', '.join(head.tables[:MOST_TABLES])}{more}"


def _way_out(explanation: Explanation) -> Iterator[str]:
    if explanation.against:
        command = f"git merge {shell_words(explanation.against)}"
        yield f"next        Bring {explanation.against} into this branch first: {command}"
        yield "            Then merge the heads, review the new file, commit it and push:"
    else:
        yield "next        Merge them in dev, review the new file, commit it and push:"
    yield "                ci-migrate merge"
    yield "            which proves first that their order does not matter; without that proof:"
    yield from (f"                {line}" for line in explanation.merge_command.split("\n"))
    yield "            If several heads are meant, name their branch labels in migrations.heads."


def verdict_lines(verdicts: tuple[Verdict, ...], base: str) -> Iterator[str]:
    """Yield what was found for each pull request into a branch."""
    count = len(verdicts)
    yield f"{counted(count, 'open pull request')} into {base} with revision files"
    for verdict in verdicts:
        yield f"  #{verdict.number} {verdict.state.ljust(8)} {one_line(verdict.description, 200)}"
        if verdict.problem:
            yield f"      its status could not be set: {one_line(verdict.problem, 300)}"
