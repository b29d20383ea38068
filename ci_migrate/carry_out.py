"""The story of a promotion from its plan on: gates, backup, rehearsal, probe, upgrade, verify, ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ci_migrate.evidence.forecast import forecast_of_rehearsal, read_forecast
from ci_migrate.models import Outcome
from ci_migrate.preflight import gather_inputs
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.gate_stage import pass_gates
from ci_migrate.story.unfinished_runs import settle_unfinished

if TYPE_CHECKING:
    from ci_migrate.gates.inputs import GateInputs
    from ci_migrate.promote_request import PromoteRequest
    from ci_migrate.story.execution import Execution
    from ci_migrate.survey import Survey


def carry_out(request: PromoteRequest, survey: Survey, execution: Execution) -> None:
    """Bring the database to the target of the plan; sets the record's outcome, and raises what went wrong."""
    record = execution.record
    settle_unfinished(execution, survey)
    _pass_gates(request, survey, execution)
    if not survey.plan.pending:
        record.outcome = Outcome.NOTHING_TO_DO
        return
    wants_copy = request.environment.rehearse != "off" and execution.restored is None
    if record.backup is None or wants_copy:
        back_up(execution, rows=survey.plan.current)
    _foresee(request, survey, execution)
    # Most runs find nothing pending: what only the others need is imported by them.
    from ci_migrate.story.execute import execute_plan

    execute_plan(execution, survey)


def _foresee(request: PromoteRequest, survey: Survey, execution: Execution) -> None:
    """Rehearse where that is wanted, and keep what is to be expected."""
    record = execution.record
    if execution.restored is None:
        record.forecast = read_forecast(request.environment, request.before, survey.plan)
        return
    from ci_migrate.rehearsal.stage import rehearse

    rehearse(execution, survey)
    if record.rehearsal is not None:
        record.forecast = forecast_of_rehearsal(record.rehearsal)


def _pass_gates(request: PromoteRequest, survey: Survey, execution: Execution) -> None:
    pass_gates(execution.record, lambda: _gather(request, survey, execution))


def _gather(request: PromoteRequest, survey: Survey, execution: Execution) -> GateInputs:
    inputs = gather_inputs(
        request.environment,
        survey,
        database=execution.database,
        ledger=execution.ledger,
        before=request.before,
        env=request.env,
        now=request.now(),
        undone=request.undone,
        overrides=request.overrides,
        others=request.others,
    )
    return replace(inputs, held=()) if request.reapply else inputs
