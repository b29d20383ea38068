"""Gate `health`: the database looks able to take a migration now."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "health"


def check(inputs: GateInputs) -> GateResult:
    """Warn, or fail where the configuration says `block`, about signs of a bad moment."""
    if inputs.health == "off":
        message = "switched off in the configuration"
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message=message)
    if not inputs.plan.pending:
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message="nothing is pending")
    if not inputs.ailments:
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message="nothing in the way")
    is_strict = inputs.health == "block"
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED if is_strict else GateOutcome.WARNED,
        message="\n".join(inputs.ailments),
        next_step="Wait until it is over, or end the sessions named, and run this again."
        if is_strict
        else None,
    )
