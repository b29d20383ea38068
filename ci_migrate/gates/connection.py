"""Gate `connection`: the role may write and create tables."""

from __future__ import annotations

from ci_migrate.errors import DatabaseUnreachableError
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "connection"


def check(inputs: GateInputs) -> GateResult:
    """Fail when the role cannot migrate this database or write the ledger."""
    if inputs.connection_problem:
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message=inputs.connection_problem,
            next_step=inputs.connection_next,
        )
    return GateResult(name=NAME, outcome=GateOutcome.PASSED, message="reachable, may create tables")


def unreachable(error: DatabaseUnreachableError) -> GateResult:
    """Return the answer for a database that does not answer: for the user this gate has failed."""
    return GateResult(
        name=NAME, outcome=GateOutcome.FAILED, message=error.message, next_step=error.next_step
    )
