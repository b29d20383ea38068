"""What the gate `history` says of revisions that are not what they were."""

from __future__ import annotations

from ci_migrate.gates.inputs import Rewritten
from ci_migrate.redact import one_line, shell_words
from ci_migrate.revisions.rewrite import Change

APART_ADVICE = (
    "Two projects in one database need a version table each (`version_table=` in their calls of context.configure) and"
    " a name each in what ci-migrate records (`ledger: {project: …}` in ci-migrate.yml)."
)
"""The way out where another project's revisions are in the way."""
MOST_SHOWN = 3
"""Revisions that are told in full."""


def is_refused(item: Rewritten) -> bool:
    """Return whether a changed revision must not pass: it ran somewhere, or may have; or misleads."""
    return item.misleads or (not item.allowed and bool(item.ran_in or item.silent))


def describe_rewritten(items: list[Rewritten]) -> str:
    """Return what changed, who changed it, where it ran, and the difference, in lines."""
    lines = [line for item in items[:MOST_SHOWN] for line in _describe(item)]
    more = items[MOST_SHOWN:]
    if more:
        names = ", ".join(item.rewrite.known.revision for item in more[:10])
        lines.append(f"and {len(more)} more: {names}{', …' if len(more) > 10 else ''}")
    if items[0].silent:
        lines.append(f"not asked, and so taken as if they had run it: {'; '.join(items[0].silent)}")
    return "\n".join(lines)


def advise_on_rewritten(items: list[Rewritten]) -> str:
    """Return what to do, with the first revision as the example."""
    if moved := next((item for item in items if item.misleads), None):
        return _advise_on_move(moved)
    if items[0].is_foreign:
        return APART_ADVICE
    rewrite = items[0].rewrite
    revision = rewrite.known.revision
    back = {
        Change.DELETED: "Bring its file back (`ci-migrate recover --restore-file` writes it, from the ledger or git)",
        Change.HELPER: f"Bring what it uses of {', '.join(rewrite.helpers) or 'the module'} back, or copy"
        " that into the revision",
    }.get(rewrite.change, f"Bring the old content of {rewrite.file} back")
    return (
        f"{back}; what is new belongs into a new revision, which every environment runs.\n"
        f"{_instead(items[0])}"
        "If it has to stay as it is, say so in the configuration:\n"
        f'    migrations: {{allow_edit: [{{revision: {revision}, reason: "…"}}]}}'
    )


def _advise_on_move(item: Rewritten) -> str:
    revision, told = item.rewrite.known.revision, []
    if item.skipped:
        told.append(f"{', '.join(item.skipped)} comes before {revision}, and would never run here")
    if item.again:
        told.append(
            f"{', '.join(item.again)} is not before {revision}, and would run a second time"
        )
    return (
        f"By the file of {revision}, {'; '.join(told)}. Bring its old down_revision back; or take it back and promote"
        " again, where what it did may be lost:\n"
        "    ci-migrate recover --dry-run\n"
        "shows that and changes nothing."
    )


def _instead(item: Rewritten) -> str:
    """Return the way to a corrected file, by which a team comes that has rolled it back somewhere else."""
    if item.rewrite.change is not Change.EDITED or not item.ran_in:
        return ""
    return (
        "Or, where it is what ran last: with the old content, roll it back in every environment that ran it"
        f" (ci-migrate rollback --expect {shell_words(item.rewrite.known.revision)}), and correct it after that.\n"
    )


def note_on_rewritten(item: Rewritten) -> str:
    """Return one line on a changed revision that may pass."""
    what = f"{item.rewrite.known.revision} was {item.rewrite.change.value}"
    if item.allowed:
        return f"{what}, which is allowed: {one_line(item.allowed)}"
    if item.same_in:
        return f"{what}, and is what ran in {', '.join(item.same_in)} now"
    return f"{what}; no environment has executed it"


def _describe(item: Rewritten) -> list[str]:
    rewrite, known = item.rewrite, item.rewrite.known
    name = f"{known.revision} '{one_line(known.message, 80)}'" if known.message else known.revision
    ran = f" after it ran in {', '.join(item.ran_in)}" if item.ran_in else ""
    if item.is_foreign:
        apart = "no file here is joined with it, and no commit here ever had it"
        return [
            f"{name} ran in {', '.join(item.ran_in)}, and seems to be of another project: {apart}"
        ]
    head = f"{name} was {rewrite.change.value}{ran}"
    if rewrite.change is Change.REPARENTED:
        before, now = (", ".join(ids) or "nothing" for ids in (known.parents, rewrite.parents))
        head += f": it followed {before}, and now follows {now}"
    lines = [head]
    if item.who:
        lines.append(f"    {item.who}")
    if item.is_older:
        lines.append(
            "    not by this branch: it was so already in the commit that this is compared with"
        )
    if item.same_in:
        lines.append(f"    what it says now ran in {', '.join(item.same_in)}")
    return lines + [f"    {line}" for line in rewrite.diff]
