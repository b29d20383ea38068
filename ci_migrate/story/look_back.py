"""After a failure: the database is read again, and the record says what became of it."""

from __future__ import annotations

from dataclasses import replace

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.database.half_restored import find_half_restored
from ci_migrate.database.health import find_invalid_indexes
from ci_migrate.database.patience import ask_within
from ci_migrate.errors import CiMigrateError, InterruptedRunError
from ci_migrate.models import Outcome
from ci_migrate.remains import find_remains
from ci_migrate.story.aftermath import (
    OWN_COMMAND,
    OWN_COMMAND_CHANGED,
    State,
    advise,
    is_changed,
    is_undone,
    may_have_left_rows,
)
from ci_migrate.story.empty_start import LEDGER_IN_THE_WAY, advise_on_missing_schema, is_empty
from ci_migrate.story.execution import Execution
from ci_migrate.story.record import RunRecord
from ci_migrate.story.restoring import Restoring
from ci_migrate.survey import Survey
from ci_migrate.verify import is_at_target

HURRIED_SECONDS, CALM_SECONDS = 2.0, 60.0
"""How long each last look or word may take: a runner kills what goes on for 10 seconds after a cancel."""


def look_back(execution: Execution, survey: Survey, before: State) -> None:
    """Set the outcome of a run that failed by what the database shows now, and say what to do next.

    A run that was stopped when all was done has reached its goal.
    """
    record, history = execution.record, survey.history
    if record.failure is not None and record.failure.kind == InterruptedRunError.kind:
        # Also when the stop came into the verification, which then says nothing.
        record.outcome = Outcome.FAILED
    if record.outcome is not Outcome.FAILED or record.failure is None:
        return
    try:
        after = ask_within(patience(record), lambda: execution.read_state(history))
    except CiMigrateError as exc:
        record.outcome = Outcome.PARTIAL
        record.warn(f"the database could not be read after the failure: {exc.message}")
        record.advise(
            "Nobody has seen what became of the database, so it counts as changed. Once it answers, run"
            " `ci-migrate status`, then this again: it goes on, or says what has to be undone first."
        )
        return
    record.reached = after.rows
    if _has_come_too_late(after.rows, execution, survey):
        return
    _judge(execution, survey, before, after)
    if left := execution.report.still_running:
        record.warn(
            "the server still carries out a statement of this run, or takes one back: see that"
            f" {'session' if len(left) == 1 else 'sessions'} {', '.join(map(str, left))} ended before you do anything"
        )


def patience(record: RunRecord) -> float:
    """Return for how many seconds a last look or word may take."""
    is_hurried = record.failure is not None and record.failure.kind == InterruptedRunError.kind
    return HURRIED_SECONDS if is_hurried else CALM_SECONDS


def restore_of(execution: Execution) -> str:
    """Return the command that brings the backup of this run back; empty without one."""
    backup = execution.record.backup
    address, name = execution.database.address, execution.environment.name
    return restore_command(backup, address, name) if backup else ""


def _judge(execution: Execution, survey: Survey, before: State, after: State) -> None:
    record = execution.record
    if record.failure is None:
        return
    report = execution.report
    pending = report.as_seen(survey.plan.pending, execution.database.dialect)
    changed = is_changed(before, after, record.failure, pending) or bool(report.still_running)
    if execution.restoring is not None:
        _judge_restore(execution, execution.restoring, changed=changed)
        return
    record.outcome = Outcome.PARTIAL if changed else Outcome.FAILED
    failed, executed = record.failure.revision, record.failure.executed
    if failed and failed not in report.remains and may_have_left_rows(failed, executed, pending):
        report.remains[failed] = find_remains(failed, executed, None)
    if survey.plan.direction == "upgrade" and not report.still_running:
        moved, present = before.rows != after.rows, _present(survey, after)
        undone = is_undone(record.failure, pending, moved=moved, present=present)
        record.failure = replace(record.failure, is_undone=undone)
    if execution.environment.migrations.upgrade_command:
        record.advise(_advise_own_command(execution, before, changed=changed))
    else:
        record.advise(_advise(execution, survey, before, after, changed=changed))


def _advise_own_command(execution: Execution, before: State, *, changed: bool) -> str:
    # On PostgreSQL the ledger has a schema of its own, as a rule.
    is_beside = execution.database.dialect != "postgresql" and not execution.environment.ledger_url
    hint = LEDGER_IN_THE_WAY if is_beside and is_empty(before) else ""
    if not changed:
        return hint + OWN_COMMAND
    restore = restore_of(execution)
    if not restore:
        return f"{hint}{OWN_COMMAND_CHANGED}."
    return f"{hint}{OWN_COMMAND_CHANGED}, or bring the backup back:\n{restore}"


def _advise(
    execution: Execution, survey: Survey, before: State, after: State, *, changed: bool
) -> str:
    record, report = execution.record, execution.report
    if record.failure is None:
        return ""
    hint = advise_on_missing_schema(before, after, survey.plan, record.failure)
    return hint + advise(
        changed=changed,
        moved=before.rows != after.rows,
        rows=after.rows,
        failure=record.failure,
        pending=report.as_seen(survey.plan.pending, execution.database.dialect),
        restore=restore_of(execution),
        tables=before.snapshot.changed_tables(after.snapshot),
        invalid=_find_invalid_indexes(execution) if changed else (),
        direction=survey.plan.direction,
        present=_present(survey, after),
        by_others=report.is_refused,
    )


def _present(survey: Survey, after: State) -> set[str]:
    """Return the revisions that the version rows say are in."""
    graph = survey.history.graph
    return graph.ancestors([row for row in after.rows if row in graph.revisions])


def _judge_restore(execution: Execution, restoring: Restoring, *, changed: bool) -> None:
    """Neither version rows nor schema need show that a backup, or a part of it, is in the database."""
    is_half = find_half_restored(execution.database) is not None
    changed = changed or is_half or restoring.is_loaded or restoring.is_snapshot
    execution.record.outcome = Outcome.PARTIAL if changed else Outcome.FAILED
    execution.record.advise(restoring.advise(execution.environment.name, changed=changed))


def _has_come_too_late(rows: tuple[str, ...], execution: Execution, survey: Survey) -> bool:
    """Return whether a run that was stopped had done all: a stop that came too late is only a warning."""
    record = execution.record
    if record.failure is None or record.failure.kind != InterruptedRunError.kind:
        return False
    if execution.restoring is not None:
        return False  # the version rows of a backup may be those of before
    if not is_at_target(rows, survey.plan, survey.history.graph):
        return False
    record.warn(
        f"{record.failure.message} when all was done; a fresh connection has read the target"
    )
    record.outcome, record.failure = record.goal, None
    return True


def _find_invalid_indexes(execution: Execution) -> tuple[str, ...]:
    try:
        return ask_within(
            patience(execution.record), lambda: find_invalid_indexes(execution.database)
        )
    except CiMigrateError:
        return ()
