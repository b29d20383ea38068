"""All gates, in the order in which they are told, and those that may be overridden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ci_migrate.gates import (
    approval,
    connection,
    heads,
    health,
    held,
    history,
    order,
    rehearsal,
    reversible,
    unfinished,
    window,
)
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

Gates = Mapping[str, Callable[[GateInputs], GateResult]]
"""Gates by their names; a gate is a pure function of the inputs."""

GATES: Gates = {
    connection.NAME: connection.check,
    history.NAME: history.check,
    unfinished.NAME: unfinished.check,
    heads.NAME: heads.check,
    held.NAME: held.check,
    order.NAME: order.check,
    window.NAME: window.check,
    approval.NAME: approval.check,
    health.NAME: health.check,
    rehearsal.NAME: rehearsal.check,
}
"""Every gate of a promotion."""

ROLLBACK_GATES: Gates = {
    connection.NAME: connection.check,
    history.NAME: history.check,
    unfinished.NAME: unfinished.check,
    reversible.NAME: reversible.check,
    health.NAME: health.check,
}
"""Every gate of a rollback."""

OVERRIDABLE = frozenset({order.NAME, window.NAME, approval.NAME, health.NAME})
"""Gates that ask for a proof or a good moment; the others say that an upgrade would go wrong."""


def check_gates(inputs: GateInputs, gates: Gates = GATES) -> tuple[GateResult, ...]:
    """Return the answer of every gate; all are asked, so that all faults are shown together."""
    return tuple(_override(check(inputs), inputs) for check in gates.values())


def _override(found: GateResult, inputs: GateInputs) -> GateResult:
    reason = inputs.overrides.get(found.name)
    if reason is None or found.outcome is not GateOutcome.FAILED or found.name not in OVERRIDABLE:
        return found
    return replace(found, outcome=GateOutcome.OVERRIDDEN, reason=reason, next_step=None)
