"""The part of a story in which revisions run: by the worker, or by the project's own command."""

from __future__ import annotations

import time
from dataclasses import replace

from ci_migrate.database.strays import Strays, expect_strays
from ci_migrate.errors import (
    DowngradeError,
    LockTimeoutError,
    ToldError,
    UpgradeError,
    WrongDatabaseError,
)
from ci_migrate.migrations import Worker
from ci_migrate.models import Plan
from ci_migrate.own_runner import run_own_command
from ci_migrate.plan import find_done
from ci_migrate.stops import held_stops
from ci_migrate.story.aftermath import State, may_have_left_rows
from ci_migrate.story.change import change_database
from ci_migrate.story.control import build_control, cancel_project, wait_for_project
from ci_migrate.story.execution import Execution
from ci_migrate.story.watch import LOST_LOCK, Watch
from ci_migrate.survey import Survey, survey_database
from ci_migrate.upgrade.report import UpgradeReport
from ci_migrate.upgrade.run import Control, run_revisions
from ci_migrate.words import counted
from ci_migrate.worker_settings import build_worker_environment

LONGEST_PAUSE = 60.0
"""Seconds between two attempts at a lock."""
AUTOCOMMIT = (
    "env.py's connection is in AUTOCOMMIT: each statement stays, also those of a revision that fails, and"
    " `lock_timeout` and `statement_timeout` have no hold on it. Leave `isolation_level` to where it is needed:"
    " `with op.get_context().autocommit_block():`"
)
"""What is said of such a project."""


def execute_plan(execution: Execution, survey: Survey) -> None:
    """Run the revisions of the plan, prove that the database is at its target, and record it.

    Sets the record's outcome. Raises the failure; the record then says whether the database changed.
    """
    execution.report.direction = survey.plan.direction
    change_database(execution, survey, lambda: _run(execution, survey))


def _run(execution: Execution, survey: Survey) -> None:
    strays = expect_strays(execution.database, execution.sign)
    if execution.environment.migrations.upgrade_command:
        _run_own(execution, survey.plan, strays)
    else:
        _run_worker_with_patience(execution, survey, strays)
    for text in execution.report.swallowed:
        execution.record.warn(text)
    if execution.report.failure is not None:
        execution.record.stage_name = survey.plan.direction
        if isinstance(execution.report.failure, WrongDatabaseError) and execution.project:
            execution.project.check_challenge()
        raise execution.report.failure


def _run_worker_with_patience(execution: Execution, survey: Survey, strays: Strays) -> None:
    """Run the worker, and again while a lock was not to be had and nothing of the revision is left."""
    attempts = execution.environment.lock_retries + 1
    for attempt in range(1, attempts + 1):
        before = execution.read_state(survey.history) if attempt < attempts else None
        _run_worker(execution, survey, strays)
        failure = execution.report.failure
        if before is None or not isinstance(failure, LockTimeoutError):
            return
        if _has_left_something(execution, survey, before, failure):
            return
        pause = min(2.0**attempt, LONGEST_PAUSE)
        execution.record.observer.note(
            f"{failure.message}; attempt {attempt + 1} of {attempts} in {pause:.0f} s"
        )
        time.sleep(pause)
        # A worker serves one attempt: after a failure its event loop or session may be unusable.
        execution.close()
        survey = _survey_again(execution, survey)
        execution.report.start_again(item.revision for item in survey.plan.pending)


def _explain_failure(report: UpgradeReport) -> None:
    """Let a failure that the run has made itself say so, and not what the server answered."""
    failure = report.failure
    if failure is not None and report.given_up and type(failure) in {UpgradeError, DowngradeError}:
        reason = f"given up: {report.given_up}; the statement that ran was cancelled"
        report.failure = LockTimeoutError(reason, where=failure.where)


def _has_left_something(
    execution: Execution, survey: Survey, before: State, failure: ToldError
) -> bool:
    """Return whether the revision that failed may be in the database with a part of it.

    Where no revision was completed since, the schema tells also what came over a connection of its own.
    """
    pending = execution.report.as_seen(survey.plan.pending, execution.database.dialect)
    if may_have_left_rows(failure.where.revision, failure.where.executed, pending):
        return True
    after = execution.read_state(survey.history)
    return before.rows == after.rows and before != after


def _run_worker(execution: Execution, survey: Survey, strays: Strays) -> None:
    record, history = execution.record, survey.history
    if execution.project is None:
        project = execution.open_project(history, survey.plan)
    else:
        project = execution.project
        execution.check_project(project, history, survey.plan)
    report, control = execution.report, build_control(execution, strays)
    _check_lock(execution, survey.plan.direction)
    if project.probe.autocommit:
        record.warn(AUTOCOMMIT)
    report.by_worker = True
    with (
        record.stage(survey.plan.direction) as note,
        _watch(execution, project.worker, control).run(),
    ):
        run_revisions(
            project.worker,
            survey.plan,
            project.challenge,
            report=report,
            observer=record.observer,
            control=control,
        )
        count = len(report.done)
        note.result = f"{counted(count, 'revision')} ran"
        if report.failure is not None:
            note.result += ", then it failed"
            _explain_failure(report)
        elif not execution.lock.is_held():
            record.warn(f"{LOST_LOCK}; all revisions had begun by then")


def _watch(execution: Execution, worker: Worker, control: Control) -> Watch:
    return Watch(
        database=execution.database,
        sign=execution.sign,
        worker=worker,
        report=execution.report,
        lock=execution.lock,
        observer=execution.record.observer,
        max_queue=execution.environment.max_queue,
        cancel=control.cancel,
    )


def _survey_again(execution: Execution, survey: Survey) -> Survey:
    """Return what is still to be done: revisions before the one that failed may have been committed."""
    fresh = survey_database(survey.history, execution.database)
    if survey.plan.direction == "upgrade":
        return fresh
    plan, rows = survey.plan, fresh.plan.current
    planned = [item.revision for item in plan.pending]
    done = find_done(plan.direction, planned, rows, survey.history.graph)
    left = tuple(item for item in plan.pending if item.revision not in done)
    return replace(survey, rows=fresh.rows, plan=replace(plan, current=rows, pending=left))


def _run_own(execution: Execution, plan: Plan, strays: Strays) -> None:
    migrations = execution.environment.migrations
    command = migrations.upgrade_command or ()
    if plan.direction == "downgrade":
        target = next(iter(plan.target), "base")
        command = tuple(
            word.replace("{target}", target) for word in migrations.downgrade_command or ()
        )
    env = build_worker_environment(
        execution.environment, execution.env, execution.database, execution.sign
    )
    for item in plan.pending:
        item.read_now()  # what the ledger will be told is known before anything runs
    with execution.record.stage(plan.direction) as note:
        _check_lock(execution, plan.direction)
        try:
            run_own_command(
                command,
                env=env,
                root=execution.environment.root,
                hear=execution.hear,
                stopping=lambda: cancel_project(execution, None),
            )
        except BaseException:
            with held_stops():
                execution.report.still_running = tuple(wait_for_project(execution, strays))
            raise
        note.result = "the project's own command ended with exit code 0"


def _check_lock(execution: Execution, direction: str) -> None:
    if not execution.lock.is_held():
        raise UpgradeError(
            f"the lock of the database was lost before the {direction} began; nothing was run",
            next_step="Run this again. If it happens again, a proxy or a timeout closes idle connections:"
            " give a direct URL in `lock_url`.",
        )
