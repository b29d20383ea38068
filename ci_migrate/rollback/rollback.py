"""The story of a rollback by downgrade: lock, plan, gates, confirmation, backup, probe, downgrade, verify, ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.errors import BlockedError, GitError, GitHubError, ProjectError
from ci_migrate.gates.check import ROLLBACK_GATES
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import Outcome, Promotion
from ci_migrate.preflight import gather_inputs, open_ledger
from ci_migrate.report.advice_text import way_lines
from ci_migrate.rollback.advice import Place, build_advice
from ci_migrate.rollback.code_way_back import describe_code_way, find_code_way, open_code_pull
from ci_migrate.rollback.last_revision import Found, find_for_advice, find_last
from ci_migrate.rollback.losses import warn_of_losses
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.execution import Execution
from ci_migrate.story.frame import RunRequest, hold_database, run_story
from ci_migrate.story.gate_stage import pass_gates
from ci_migrate.story.record import RunRecord
from ci_migrate.story.survey_stage import survey_project
from ci_migrate.story.unfinished_runs import settle_unfinished
from ci_migrate.survey import History, Survey, read_files, survey_database
from ci_migrate.ways_back import Advice


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest(RunRequest):
    """One environment whose last revision is to be taken back."""

    expect: str | None
    """The revision that the caller means; None for the one that ran last, whichever it is."""
    confirm: Callable[[Advice], None]
    """Shows what it costs and has it confirmed; raises when it is not."""
    undone: tuple[str, ...] = ()
    """Half-applied revisions of which the user says that nothing is left to be done."""
    open_pr: bool = False
    """Whether the pull request that takes the code back is opened, too."""


def rollback(request: RollbackRequest) -> Promotion:
    """Take back the revision that ran last, and return the record of it."""
    return run_story(
        request,
        lambda record: _rollback(request, record),
        command="rollback",
        goal=Outcome.ROLLED_BACK,
    )


def advise_rollback(environment: Environment, env: Mapping[str, str], expect: str | None) -> Advice:
    """Return what each way back from the last revision would cost; changes nothing.

    Raises BlockedError when it is not certain which revision ran last.
    """
    history = read_files(environment, env)
    if history.untold:
        raise BlockedError(
            f"the revisions cannot be read as text: {'; '.join(history.unreadable)}",
            next_step="`ci-migrate rollback` takes a backup and asks the project; before that nothing is known.",
        )
    database = Database(environment.url, root=environment.root)
    ledger = open_ledger(environment, database)
    if runs := ledger.unfinished_runs():
        raise BlockedError(
            f"a run that began {runs[0].started_at} has not ended, or was cut off",
            next_step="Wait for its end; the record of a run that was cut off is finished by the next promotion.",
        )
    survey = survey_database(history, database)
    found = find_for_advice(survey, ledger, database.dialect, expect)
    return build_advice(
        Place(
            environment=environment,
            env=env,
            database=database,
            ledger=ledger,
            project=history.project,
        ),
        found,
    )


def _rollback(request: RollbackRequest, record: RunRecord) -> None:
    environment = request.environment
    record.stage_name = "plan"
    _refuse_one_way_command(environment)
    history = read_files(environment, request.env)
    with hold_database(request, record, history) as execution:
        survey = survey_project(history, execution)
        settle_unfinished(execution, survey)
        found = _make_plan(request, survey, execution)
        survey = replace(survey, plan=found.plan)
        advice = _advise(request, survey, execution, found)
        try:
            pass_gates(record, lambda: _gather(request, survey, execution, found), ROLLBACK_GATES)
        except BlockedError:
            if found.way_back.problem:
                record.follow_up = record.redactor.clean("\n".join(way_lines(advice)))
            raise
        _confirm(request, execution, advice)
        wants_copy = environment.rehearse != "off" and execution.restored is None
        if record.backup is None or wants_copy:
            back_up(execution, rows=survey.plan.current)
        from ci_migrate.rehearsal.stage import rehearse
        from ci_migrate.story.execute import execute_plan

        rehearse(execution, survey)
        execute_plan(execution, survey)
        record.follow_up = describe_code_way(environment, request.env, history, found)
    if request.open_pr and record.outcome is record.goal:
        _open_pull(request, record, history, found)


def _open_pull(request: RollbackRequest, record: RunRecord, history: History, found: Found) -> None:
    """Open the pull request that takes the code back; the database is done, so a failure is a warning."""
    environment, env = request.environment, request.env
    way = find_code_way(environment, env, history, found)
    if way is None:
        record.warn(
            "no pull request was opened: git does not know the file of the revision, or the environment has no"
            " branch of one name"
        )
        return
    with record.stage("pull request") as note:
        try:
            note.result = open_code_pull(environment, env, way, request.run.run_url)
            record.follow_up = f"{record.follow_up}\nThe pull request for that: {note.result}"
        except (GitError, GitHubError) as exc:
            note.result = "not opened"
            record.warn(f"no pull request was opened: {exc.message}")


def _refuse_one_way_command(environment: Environment) -> None:
    migrations = environment.migrations
    if migrations.upgrade_command and not migrations.downgrade_command:
        raise ProjectError(
            "`migrations.command` has an `upgrade`, but no `downgrade`",
            next_step="Name the command that takes a revision back in `migrations.command.downgrade`.",
        )


def _make_plan(request: RollbackRequest, survey: Survey, execution: Execution) -> Found:
    record = execution.record
    with record.stage("plan") as note:
        dialect = execution.database.dialect
        found = find_last(survey, execution.ledger, dialect, request.expect)
        record.plan = found.plan
        name, target = found.pending.revision, ", ".join(found.plan.target) or "base"
        note.result = f"{name} ran last, on {found.executed.when}; back to {target}"
    if found.warning:
        record.warn(found.warning)
    return found


def _gather(
    request: RollbackRequest, survey: Survey, execution: Execution, found: Found
) -> GateInputs:
    inputs = gather_inputs(
        request.environment,
        survey,
        database=execution.database,
        ledger=execution.ledger,
        before=None,
        env=request.env,
        now=request.now(),
        undone=request.undone,
    )
    # What was edited has been judged already: here only the upgrade counts.
    return replace(inputs, way_back=found.way_back, rewritten=())


def _advise(request: RollbackRequest, survey: Survey, execution: Execution, found: Found) -> Advice:
    place = Place(
        environment=request.environment,
        env=request.env,
        database=execution.database,
        ledger=execution.ledger,
        project=survey.history.project,
    )
    return build_advice(place, found)


def _confirm(request: RollbackRequest, execution: Execution, advice: Advice) -> None:
    """Tell what the downgrade destroys, also in every report, and let it be confirmed."""
    for way in advice.ways:
        warn_of_losses(execution.record, way.losses, way.doubts)
    execution.record.stage_name = "confirm"
    request.confirm(advice)
