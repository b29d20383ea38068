"""The story of a promotion: lock, plan, gates, backup, probe, upgrade, verify, ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ci_migrate.errors import RowsChangedError
from ci_migrate.evidence.forecast import forecast_of_rehearsal, read_forecast
from ci_migrate.evidence.sources import Before
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import Outcome, Promotion
from ci_migrate.preflight import gather_inputs
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.execution import Execution
from ci_migrate.story.frame import RunRequest, hold_database, run_story
from ci_migrate.story.gate_stage import pass_gates
from ci_migrate.story.record import RunRecord
from ci_migrate.story.survey_stage import survey_project
from ci_migrate.story.unfinished_runs import settle_unfinished
from ci_migrate.survey import History, Survey, notes_on_nothing, read_files
from ci_migrate.words import counted

MOST_PLANS = 3
"""How often a run plans when somebody else changes the version rows meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteRequest(RunRequest):
    """One environment to bring to the revisions of the working directory."""

    before: Before | None
    """The environment that `promote_from` names."""
    others: tuple[Before, ...] = ()
    """The other environments of the configuration."""
    undone: tuple[str, ...] = ()
    """Half-applied revisions of which the user says that nothing is left."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Why gates that fail are passed over, by gate."""
    reapply: bool = False
    """Whether what was rolled back here may run again as it is."""


def promote(request: PromoteRequest) -> Promotion:
    """Run a promotion and return its record; expected failures and bugs are part of it."""
    return run_story(
        request,
        lambda record: _promote(request, record),
        command="promote",
        goal=Outcome.PROMOTED,
    )


def _promote(request: PromoteRequest, record: RunRecord) -> None:
    record.stage_name = "plan"
    history = read_files(request.environment, request.env)
    with hold_database(request, record, history) as execution:
        for _ in range(MOST_PLANS - 1):
            try:
                return _bring_to_target(request, history, execution)
            except RowsChangedError as exc:
                if record.outcome is Outcome.PARTIAL:
                    raise  # this run had executed something before: that is told, and the next one goes on
                record.warn(f"{exc.message}; planned again")
                execution.start_again()
        return _bring_to_target(request, history, execution)


def _bring_to_target(request: PromoteRequest, history: History, execution: Execution) -> None:
    record = execution.record
    survey = survey_project(history, execution)
    _make_plan(survey, record)
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


def _make_plan(survey: Survey, record: RunRecord) -> None:
    with record.stage("plan") as note:
        record.plan = survey.plan
        count = len(survey.plan.pending)
        note.result = f"{count} pending" if count else "nothing pending"
        total = len(survey.history.graph.revisions)
        note.result += f", {counted(total, 'revision')} in the branch"
    for text in (*survey.history.project.notes, *notes_on_nothing(survey.history)):
        record.warn(text)


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
