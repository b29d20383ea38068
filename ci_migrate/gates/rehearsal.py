"""Gate `rehearsal`: the pending revisions ran well on a restored copy."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "rehearsal"


def check(inputs: GateInputs) -> GateResult:
    """Say whether there will be a rehearsal: its own answer comes after the backup that it needs."""
    if inputs.rehearse == "off":
        message = "not asked for in the configuration"
    elif not inputs.plan.pending:
        message = "nothing is pending"
    else:
        message = "runs after the backup, on a restored copy"
    return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message=message)
