"""Gate `unfinished`: no part of a pending revision is in the database already."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult, Unfinished
from ci_migrate.redact import shell_words
from ci_migrate.remains import describe_remains, is_concurrent_build

NAME = "unfinished"


def check(inputs: GateInputs) -> GateResult:
    """Fail when an earlier run ended in the middle of a revision that could not be taken back."""
    if not inputs.unfinished:
        message = "no revision was left half applied"
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=message)
    first = inputs.unfinished[0]
    run = f" ({first.run_url})" if first.run_url else ""
    parts = "\n".join(describe_remains(item.remains) for item in inputs.unfinished)
    if any(is_concurrent_build(item.remains.begun or "") for item in inputs.unfinished):
        parts += "\na concurrent build that is cut off leaves its index there, invalid: gate health names it"
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message=f"the run begun {first.started_at}{run} ended in the middle of a revision;\n{parts}",
        next_step=_next_step(first),
        file=next(
            (p.file for p in inputs.plan.pending if p.revision == first.remains.revision), None
        ),
    )


def _next_step(first: Unfinished) -> str:
    revision = first.remains.revision
    restore = (
        f"Bring the backup of that run back:\n{first.restore}\nor undo" if first.restore else "Undo"
    )
    if first.direction == "downgrade":
        return (
            f"See what can be undone: ci-migrate recover. {restore} these statements by hand; then run this again"
            f" with --undone {shell_words(revision)}. If nothing of"
            f" {revision} is left in the database, stamp the revisions before it, and no option is needed."
        )
    return (
        f"See which are in, and undo or finish them: ci-migrate recover. {restore} these statements by hand;"
        f" then promote with --undone {shell_words(revision)}. If all of {revision}"
        f" is in the database, alembic stamp {shell_words(revision)} says so, and no option is needed."
    )
