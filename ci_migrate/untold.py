"""What a plan by the files alone does not tell, and the gates that cannot be judged without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ci_migrate.config.environment import Migrations
from ci_migrate.errors import ProjectError
from ci_migrate.gates import connection, heads
from ci_migrate.gates import history as history_gate
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult, Plan
from ci_migrate.survey import HOW_TO_READ, History

HOW_TO_LABEL = (
    "Name such branches by the ids of their first revisions in `migrations.heads`, or write the labels as plain texts"
    " into the files."
)
"""The way out where labels are computed."""
_SKIPPED = "not known before the project is asked"


def refuse_untold_command(migrations: Migrations, history: History) -> None:
    """Raise ProjectError where nobody tells what a command of the project's own is to run; labels may be missing."""
    if migrations.upgrade_command and history.untold:
        raise not_text(
            history.unreadable,
            "With `migrations.command` nothing else tells them: name their folders in `migrations.versions`, and the"
            " table in `migrations.version_table` and `migrations.version_table_schema`.",
        )


def refuse_unread(history: History, intended: tuple[str, ...]) -> None:
    """Raise ProjectError where text does not tell the heads, or which of them `intended` means."""
    if history.uncounted:
        raise not_text(history.uncounted)
    if names := _names_not_found(history, intended):
        raise ProjectError(
            f"{', '.join(names)} in `migrations.heads` cannot be found in the text of the revisions:"
            f" {'; '.join(history.unlabelled)}",
            next_step=HOW_TO_LABEL,
        )


def not_text(reasons: tuple[str, ...], next_step: str = HOW_TO_READ) -> ProjectError:
    """Return the failure of what needs a history that text tells."""
    return ProjectError(
        f"the revisions cannot be read as text: {'; '.join(reasons)}", next_step=next_step
    )


def told_plan(plan: Plan, history: History) -> Plan:
    """Return the part of a plan that the files tell."""
    if not history.untold:
        return plan
    return Plan(
        current=() if "current" in history.untold else plan.current,
        target=() if "target" in history.untold else plan.target,
        pending=(),
    )


def without_untold(inputs: GateInputs, history: History) -> GateInputs:
    """Return the inputs without what would be concluded from what the files do not tell."""
    if not history.untold:
        return inputs
    return replace(
        inputs,
        plan=Plan(current=(), target=(), pending=()),
        rewritten=(),
        unseen="",
        unfinished=(),
        held=(),
    )


def skip_untold(
    gates: Iterable[GateResult], history: History, migrations: Migrations
) -> Iterator[GateResult]:
    """Yield the answers of the gates; those that hang on what only the project tells are skipped."""
    for gate in gates:
        if _hangs_on(gate, history, migrations):
            yield GateResult(name=gate.name, outcome=GateOutcome.SKIPPED, message=_SKIPPED)
        else:
            yield gate


def _hangs_on(gate: GateResult, history: History, migrations: Migrations) -> bool:
    failed = gate.outcome is GateOutcome.FAILED
    if gate.name == heads.NAME:
        # A command of the project's own is not asked for labels.
        asks = not migrations.upgrade_command
        lacks_labels = failed and asks and bool(_names_not_found(history, migrations.heads))
        return bool(history.uncounted) or lacks_labels
    if gate.name == connection.NAME or (gate.name == history_gate.NAME and failed):
        return False  # a file that is broken is broken
    return bool(history.untold)


def _names_not_found(history: History, intended: tuple[str, ...]) -> list[str]:
    """Return which names of intended heads may be labels that text does not tell."""
    graph = history.graph
    if not history.unlabelled or len(graph.heads()) <= 1:
        return []
    return [name for name in intended if graph.resolve(name) is None]
