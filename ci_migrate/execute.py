"""The part of a promotion that changes the database: worker or own runner, upgrade, verify, ledger."""

from __future__ import annotations

import time

from ci_migrate.aftermath import State, advise, is_changed, may_have_left_rows
from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.control import build_control
from ci_migrate.database.health import find_invalid_indexes
from ci_migrate.database.patience import ask_within
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import (
    CiMigrateError,
    InterruptedRunError,
    LockTimeoutError,
    UpgradeError,
)
from ci_migrate.execution import Execution
from ci_migrate.models import AppliedRevision, Outcome
from ci_migrate.own_runner import run_own_command
from ci_migrate.record import RunRecord
from ci_migrate.remains import encode_remains
from ci_migrate.stops import held_stops
from ci_migrate.survey import Survey, survey_database
from ci_migrate.upgrade.probe import check_probe
from ci_migrate.upgrade.report import UpgradeReport
from ci_migrate.upgrade.run import run_upgrade
from ci_migrate.verify import verify_target
from ci_migrate.watch import Watch
from ci_migrate.worker_settings import build_worker_environment

LONGEST_PAUSE = 60.0
"""Seconds between two attempts at a lock."""
HURRIED_SECONDS, CALM_SECONDS = 2.0, 60.0
"""How long each last look or word may take: a runner kills what goes on for 10 seconds after a cancel."""


def execute_plan(execution: Execution, survey: Survey) -> None:
    """Upgrade to the plan's target, prove it, and record it.

    Sets the record's outcome. Raises the failure; the record then says whether the database changed.
    """
    record, history = execution.record, survey.history
    _start_ledger(execution, survey)
    before = execution.read_state(history)
    try:
        _upgrade(execution, survey)
        _verify(execution, survey)
        record.outcome = Outcome.PROMOTED
    except Exception as exc:
        record.fail(exc)
        with held_stops():
            _look_back(execution, survey, before)
        if record.outcome is not Outcome.PROMOTED:
            raise
    finally:
        _finish_ledger(execution, survey)


def _upgrade(execution: Execution, survey: Survey) -> None:
    if execution.environment.migrations.upgrade_command:
        _run_own(execution)
    else:
        _run_worker_with_patience(execution, survey)
    for text in execution.report.swallowed:
        execution.record.warn(text)
    if execution.report.failure is not None:
        execution.record.stage_name = "upgrade"
        raise execution.report.failure


def _run_worker_with_patience(execution: Execution, survey: Survey) -> None:
    """Run the worker, and again while a lock was not to be had and nothing of the revision is left."""
    pending = {item.revision: item for item in survey.plan.pending}
    for attempt in range(1, execution.environment.lock_retries + 2):
        _run_worker(execution, survey)
        failure = execution.report.failure
        is_last = attempt > execution.environment.lock_retries
        if is_last or not isinstance(failure, LockTimeoutError):
            return
        if may_have_left_rows(failure.where.revision, failure.where.executed, pending):
            return
        pause = min(2.0**attempt, LONGEST_PAUSE)
        execution.record.observer.note(
            f"{failure.message}; attempt {attempt + 1} of {execution.environment.lock_retries + 1} in"
            f" {pause:.0f} s"
        )
        time.sleep(pause)
        # A worker serves one attempt: after a failure its event loop or session may be unusable.
        execution.close()
        survey = survey_database(survey.history, execution.database)
        execution.report.start_again(item.revision for item in survey.plan.pending)


def _run_worker(execution: Execution, survey: Survey) -> None:
    record, history = execution.record, survey.history
    project = execution.project or execution.open_project(history)
    report, control = execution.report, build_control(execution)
    check_probe(
        project.probe,
        survey.plan,
        execution.database.label,
        history.version_table,
        history.version_table_schema,
    )
    _check_lock(execution)
    watch = Watch(
        database=execution.lock_database,
        worker=project.worker,
        report=report,
        lock=execution.lock,
        observer=record.observer,
        max_queue=execution.environment.max_queue,
        cancel=control.cancel,
    )
    with record.stage("upgrade") as note, watch.run():
        run_upgrade(
            project.worker,
            survey.plan,
            project.challenge,
            report=report,
            observer=record.observer,
            control=control,
        )
        count = len(report.done)
        note.result = f"{count} revision{'' if count == 1 else 's'} ran"
        if report.failure is not None:
            note.result += ", then it failed"


def _run_own(execution: Execution) -> None:
    with execution.record.stage("upgrade") as note:
        _check_lock(execution)
        run_own_command(
            execution.environment.migrations.upgrade_command or (),
            env=build_worker_environment(execution.environment, execution.env, execution.database),
            root=execution.environment.root,
            hear=execution.hear,
        )
        note.result = "the project's own command ended with exit code 0"


def _check_lock(execution: Execution) -> None:
    if not execution.lock.is_held():
        raise UpgradeError(
            "the lock of the database was lost before the upgrade began; nothing was run",
            next_step="Run this again. If it happens again, a proxy or a timeout closes idle connections:"
            " give a direct URL in `lock_url`.",
        )


def _verify(execution: Execution, survey: Survey) -> None:
    record, history = execution.record, survey.history
    with record.stage("verify") as note:
        rows = read_version_rows(
            execution.database, history.version_table, history.version_table_schema
        ).rows
        record.reached = rows
        record.outcome = Outcome.UNVERIFIED
        project = execution.project
        verify_target(
            rows,
            survey.plan,
            history.graph,
            external_transaction=project is not None and project.probe.external_transaction,
        )
        note.result = f"a fresh connection reads {', '.join(rows)}"


def _look_back(execution: Execution, survey: Survey, before: State) -> None:
    """After a failure: read the database again and say what became of it."""
    record, history = execution.record, survey.history
    if record.outcome is not Outcome.FAILED or record.failure is None:
        return
    try:
        after = ask_within(_patience(record), lambda: execution.read_state(history))
    except CiMigrateError as exc:
        record.outcome = Outcome.PARTIAL
        record.warn(f"the database could not be read after the failure: {exc.message}")
        return
    record.reached = after.rows
    pending = {item.revision: item for item in survey.plan.pending}
    if _is_at_target(after.rows, execution, survey):
        return
    changed = is_changed(before, after, record.failure, pending) or execution.report.still_runs
    record.outcome = Outcome.PARTIAL if changed else Outcome.FAILED
    backup = record.backup
    record.advise(
        advise(
            changed=changed,
            rows=after.rows,
            failure=record.failure,
            pending=pending,
            restore=restore_command(backup, execution.database.address) if backup else "",
            tables=before.snapshot.changed_tables(after.snapshot),
            invalid=_find_invalid_indexes(execution) if changed else (),
        )
    )
    if execution.report.still_runs:
        record.warn(
            "the server still carries out a statement of this run, or takes one back: see that session"
            f" {execution.report.server_id} has ended before you do anything"
        )


def _is_at_target(rows: tuple[str, ...], execution: Execution, survey: Survey) -> bool:
    """Return whether a run that was stopped had done all: a stop that came too late is only a warning."""
    record = execution.record
    if record.failure is None or record.failure.kind != InterruptedRunError.kind:
        return False
    graph = survey.history.graph
    if graph.unknown(rows) or graph.pending(rows, survey.plan.target):
        return False
    record.warn(
        f"{record.failure.message} when all was done; a fresh connection has read the target"
    )
    record.outcome, record.failure = Outcome.PROMOTED, None
    return True


def _find_invalid_indexes(execution: Execution) -> tuple[str, ...]:
    try:
        return ask_within(
            _patience(execution.record), lambda: find_invalid_indexes(execution.database)
        )
    except CiMigrateError:
        return ()


def _patience(record: RunRecord) -> float:
    is_hurried = record.failure is not None and record.failure.kind == InterruptedRunError.kind
    return HURRIED_SECONDS if is_hurried else CALM_SECONDS


def _keep_applied(record: RunRecord, survey: Survey, report: UpgradeReport) -> None:
    """Keep which of the pending revisions are in the database, with the time each was seen to take."""
    graph = survey.history.graph
    present = graph.ancestors(row for row in record.reached or () if row in graph.revisions)
    record.applied = tuple(
        AppliedRevision(
            revision=item.revision, message=item.message, seconds=report.done.get(item.revision)
        )
        for item in survey.plan.pending
        if item.revision in present
    )


def _start_ledger(execution: Execution, survey: Survey) -> None:
    record = execution.record
    record.stage_name = "ledger"
    execution.ledger.start_run(record.run, survey.plan, record.backup, record.versions)


def _finish_ledger(execution: Execution, survey: Survey) -> None:
    record = execution.record
    _keep_applied(record, survey, execution.report)
    promotion = record.promotion()
    executed = {applied.revision for applied in record.applied}
    stage = record.stage_name
    try:
        with record.stage("ledger") as note, held_stops():
            now, remains = execution.now().isoformat(), _remains(execution, executed)
            ask_within(
                _patience(record),
                lambda: execution.ledger.finish_run(promotion, executed, now, remains),
            )
            count = len(executed)
            note.result = f"run recorded, {count} revision{'' if count == 1 else 's'} executed"
    except CiMigrateError as exc:
        record.warn(f"the end of the run could not be recorded, the next run will: {exc.message}")
    record.stage_name = stage


def _remains(execution: Execution, executed: set[str]) -> str | None:
    """Return what is left of revisions that did not come to their end, as the ledger keeps it."""
    record, seen = execution.record, execution.report.remains
    left = [remains for revision, remains in seen.items() if revision not in executed]
    if record.outcome is not Outcome.PARTIAL or not left:
        return None
    return encode_remains(left, record.redactor.clean)
