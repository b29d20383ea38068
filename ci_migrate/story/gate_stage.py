"""Stage `gates` of every story: all are asked, and one that fails blocks."""

from __future__ import annotations

from collections.abc import Callable

from ci_migrate.errors import BlockedError
from ci_migrate.gates.check import GATES, Gates, check_gates
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome
from ci_migrate.story.record import RunRecord


def pass_gates(record: RunRecord, gather: Callable[[], GateInputs], gates: Gates = GATES) -> None:
    """Ask every gate about what `gather` finds, and keep the answers; raises BlockedError when one fails."""
    with record.stage("gates") as note:
        record.keep_gates(check_gates(gather(), gates))
        failed = [gate for gate in record.gates if gate.outcome is GateOutcome.FAILED]
        note.result = _summary(record)
    for gate in record.gates:
        if gate.outcome is GateOutcome.WARNED:
            record.observer.warn(f"{gate.name}: {gate.message}")
    if failed:
        raise BlockedError(
            "; ".join(f"{gate.name}: {gate.message}" for gate in failed),
            next_step=failed[0].next_step,
        )


def _summary(record: RunRecord) -> str:
    named = {
        word: ", ".join(gate.name for gate in record.gates if gate.outcome is outcome)
        for word, outcome in (
            ("FAILED", GateOutcome.FAILED),
            ("OVERRIDDEN", GateOutcome.OVERRIDDEN),
        )
    }
    return "; ".join(f"{word}: {names}" for word, names in named.items() if names) or "passed"
