"""Gate `approval`: somebody reviewed this run and let it go on."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult
from ci_migrate.redact import one_line

NAME = "approval"


def check(inputs: GateInputs) -> GateResult:
    """Fail when the workflow run had no approving review for the GitHub environment."""
    environment = inputs.approval
    if environment is None:
        message = "no approval is asked for"
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message=message)
    if not inputs.plan.pending:
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message="nothing is pending")
    advice = (
        f"At GitHub, under Settings, Environments, {environment}: name required reviewers; and let the job of the"
        f" workflow have `environment: {environment}` and `permissions: actions: read`."
    )
    if inputs.approval_problem:
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message=f"it cannot be told whether this run was approved: {inputs.approval_problem}",
            next_step=advice,
        )
    if not inputs.approved_by:
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message=f"nobody approved this run for the GitHub environment {environment}",
            next_step=advice,
        )
    names = ", ".join(one_line(name, 40) for name in inputs.approved_by[:5])
    return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=f"approved by {names}")
