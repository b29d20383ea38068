"""What a plan by the files alone does not tell, and the gates that cannot be judged without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ci_migrate.config.environment import Migrations
from ci_migrate.errors import ProjectError
from ci_migrate.gates import connection, heads, history
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult, Plan
from ci_migrate.survey import HOW_TO_READ, History

_SKIPPED = "the files do not tell; promote asks the project"


def refuse_untold_command(migrations: Migrations, history: History) -> None:
    """Raise ProjectError where nobody tells what a command of the project's own is to run; labels may be missing."""
    if migrations.upgrade_command and history.untold:
        raise ProjectError(
            f"the revisions cannot be read as text: {'; '.join(history.unreadable)}",
            next_step="With `migrations.command` nothing else tells them: name their folders in"
            " `migrations.versions`, and the table in `migrations.version_table` and"
            " `migrations.version_table_schema`.",
        )


def refuse_unread(history: History, intended: tuple[str, ...]) -> None:
    """Raise ProjectError where text does not tell the heads, or which of them `intended` means."""
    if history.uncounted:
        raise not_text(history.uncounted)
    graph = history.graph
    unknown = [name for name in intended if graph.resolve(name) is None]
    if unknown and history.unlabelled and len(graph.heads()) > 1:
        raise ProjectError(
            f"{', '.join(unknown)} in `migrations.heads` cannot be found in the text of the revisions:"
            f" {'; '.join(history.unlabelled)}",
            next_step="Name these branches by the ids of their first revisions in `migrations.heads`, or write the"
            " labels as plain texts into the files.",
        )


def not_text(reasons: tuple[str, ...]) -> ProjectError:
    """Return the failure of what needs a history that text tells."""
    return ProjectError(
        f"the revisions cannot be read as text: {'; '.join(reasons)}", next_step=HOW_TO_READ
    )


def told_plan(plan: Plan, project: History) -> Plan:
    """Return the part of a plan that the files of this project tell."""
    if not project.untold:
        return plan
    return Plan(
        current=() if "current" in project.untold else plan.current,
        target=() if "target" in project.untold else plan.target,
        pending=(),
    )


def without_untold(inputs: GateInputs, project: History) -> GateInputs:
    """Return the inputs without what would be concluded from what the files do not tell."""
    if not project.untold:
        return inputs
    return replace(
        inputs,
        plan=Plan(current=(), target=(), pending=()),
        problems=project.problems if project.uncounted else inputs.problems,
        rewritten=(),
        unseen="",
        unfinished=(),
        held=(),
    )


def skip_untold(
    gates: Iterable[GateResult], project: History, *, asks_project: bool
) -> Iterator[GateResult]:
    """Yield the answers of the gates; those that hang on what is not told are skipped.

    `asks_project` where a promotion will hear it from the project: labels can be missing without that.
    """
    for gate in gates:
        hangs = _hangs_on(gate, project, asks_project=asks_project)
        yield (
            GateResult(name=gate.name, outcome=GateOutcome.SKIPPED, message=_SKIPPED)
            if hangs
            else gate
        )


def _hangs_on(gate: GateResult, project: History, *, asks_project: bool) -> bool:
    failed = gate.outcome is GateOutcome.FAILED
    if gate.name == heads.NAME:
        lacks_labels = asks_project and bool(project.unlabelled)
        return bool(project.uncounted) or (failed and lacks_labels)
    if gate.name == connection.NAME or (gate.name == history.NAME and failed):
        return False  # a file that is broken is broken
    return bool(project.untold)
