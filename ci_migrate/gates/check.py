"""All gates, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable

from ci_migrate.gates import connection, heads, health, history, order, unfinished
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateResult

GATES: dict[str, Callable[[GateInputs], GateResult]] = {
    connection.NAME: connection.check,
    history.NAME: history.check,
    unfinished.NAME: unfinished.check,
    heads.NAME: heads.check,
    order.NAME: order.check,
    health.NAME: health.check,
}
"""Every gate by its name; a gate is a pure function of the inputs."""


def check_gates(inputs: GateInputs) -> tuple[GateResult, ...]:
    """Return the answer of every gate; all are asked, so that all faults are shown together."""
    return tuple(check(inputs) for check in GATES.values())
