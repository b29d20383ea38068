"""Gate `reversible`: the downgrade of the revision can take it back."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "reversible"


def check(inputs: GateInputs) -> GateResult:
    """Fail when the revision has no downgrade, or one that does nothing or only raises."""
    pending = inputs.plan.pending[0]
    if inputs.way_back is not None and not inputs.way_back.problem:
        message = f"{pending.revision} has a downgrade()"
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=message)
    problem = inputs.way_back.problem if inputs.way_back else "cannot be read as text"
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message=f"{pending.revision} {problem}",
        next_step="See the other ways back and what they cost:"
        f" ci-migrate rollback --advise --environment {inputs.environment}",
        file=pending.file,
        line=1 if pending.file else None,
    )
