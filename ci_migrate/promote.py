"""The story of a promotion to its plan: files, lock, version rows; what comes of the plan, `carry_out` tells."""

from __future__ import annotations

from ci_migrate.errors import RowsChangedError
from ci_migrate.models import Outcome, Promotion
from ci_migrate.promote_request import PromoteRequest
from ci_migrate.story.execution import Execution
from ci_migrate.story.frame import hold_database, run_story
from ci_migrate.story.record import RunRecord
from ci_migrate.story.survey_stage import survey_project
from ci_migrate.survey import History, Survey, notes_on_nothing, read_files
from ci_migrate.words import counted

MOST_PLANS = 3
"""How often a run plans when somebody else changes the version rows meanwhile."""


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
    survey = survey_project(history, execution)
    _make_plan(survey, execution.record)
    # Where no backup comes first a worker loads its libraries by now: the rest of ours is loaded beside it.
    from ci_migrate.carry_out import carry_out

    carry_out(request, survey, execution)


def _make_plan(survey: Survey, record: RunRecord) -> None:
    with record.stage("plan") as note:
        record.plan = survey.plan
        count = len(survey.plan.pending)
        note.result = f"{count} pending" if count else "nothing pending"
        total = len(survey.history.graph.revisions)
        note.result += f", {counted(total, 'revision')} in the branch"
    for text in (*survey.history.project.notes, *notes_on_nothing(survey.history)):
        record.warn(text)
