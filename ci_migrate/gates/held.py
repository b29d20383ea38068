"""Gate `held`: what a rollback took back does not come again as it was."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "held"


def check(inputs: GateInputs) -> GateResult:
    """Fail when a pending revision was rolled back here and its file has not changed since."""
    if not inputs.held:
        message = "no pending revision was rolled back here as it is now"
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=message)
    lines = [
        f"{item.revision} '{item.message}' was rolled back here on {item.when}"
        f"{f' ({item.run_url})' if item.run_url else ''}, and its file is as it was then"
        for item in inputs.held
    ]
    first = inputs.held[0].revision
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message="\n".join(lines),
        next_step=_next_step(inputs),
        file=next((item.file for item in inputs.plan.pending if item.revision == first), None),
    )


def _next_step(inputs: GateInputs) -> str:
    again = "promote with --reapply (on GitHub: run the workflow by hand, with its box ticked)"
    if inputs.promote_from is None:
        return (
            "Correct the revision, or take it out of the branch; then push. If it is right as it is and may run"
            f" again: {again}."
        )
    return (
        f"If a revision after it mends it, or it is right as it is: {again}. Otherwise take it out of the branch."
        f" Its file cannot just be corrected: {inputs.promote_from} has run it as it is, and has to roll it back first."
    )
