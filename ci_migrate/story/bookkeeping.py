"""A run's entries in the ledger: begun before the first change, finished after the last."""

from __future__ import annotations

from ci_migrate.database.patience import ask_within
from ci_migrate.environment_store import open_environment_store
from ci_migrate.errors import CiMigrateError, LedgerError
from ci_migrate.evidence.forecast import encode_rehearsal
from ci_migrate.models import GOOD_OUTCOMES, NOT_TAKEN, AppliedRevision, Outcome, Promotion
from ci_migrate.plan import find_done
from ci_migrate.remains import encode_remains
from ci_migrate.story.execution import Execution
from ci_migrate.story.look_back import CALM_SECONDS, patience
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import Survey
from ci_migrate.times import format_time
from ci_migrate.upgrade.report import UpgradeReport
from ci_migrate.words import counted


def start_ledger(execution: Execution, survey: Survey) -> None:
    """Write the run as begun; raises LedgerError."""
    record = execution.record
    record.stage_name = "ledger"
    ask_within(CALM_SECONDS, lambda: _write_start(execution, survey))
    copy_run(execution, record.run.run_id)


def _write_start(execution: Execution, survey: Survey) -> None:
    record = execution.record
    execution.left_before = execution.ledger.start_run(
        record.run,
        survey.plan,
        record.backup,
        record.versions,
        command=record.command,
        gates=record.gates,
        details=encode_rehearsal(record.rehearsal),
    )


def _write_end(
    execution: Execution, survey: Survey, promotion: Promotion, executed: set[str]
) -> None:
    ledger, record = execution.ledger, execution.record
    now, remains = format_time(execution.now()), _remains(execution, executed)
    is_seen = not (
        execution.environment.migrations.upgrade_command or execution.report.still_running
    )
    try:
        ledger.finish_run(promotion, executed, now, remains, is_seen=is_seen)
    except LedgerError:
        if ledger.exists():
            raise
        # A revision that drops every table has dropped this one, too.
        record.warn(
            "the ledger was gone at the end of the run, and begins anew with it: what ran before is known by the"
            " copies beside the backups (ci-migrate ledger reconcile --write)"
        )
        _write_start(execution, survey)
        ledger.finish_run(promotion, executed, now, remains, is_seen=is_seen)


def finish_ledger(execution: Execution, survey: Survey) -> None:
    """Write how the run ended, and keep in its record what was done; a failure is only a warning."""
    record = execution.record
    _keep_applied(record, survey, execution.report)
    promotion = record.promotion()
    executed = {applied.revision for applied in record.applied}
    stage = record.stage_name
    try:
        with record.stage("ledger") as note:
            ask_within(patience(record), lambda: _write_end(execution, survey, promotion, executed))
            count = len(executed)
            note.result = f"run recorded, {counted(count, 'revision')} executed"
    except CiMigrateError as exc:
        record.warn(f"the end of the run could not be recorded, the next run will: {exc.message}")
    copy_run(execution, record.run.run_id)
    record.stage_name = stage


def copy_run(execution: Execution, run_id: str) -> None:
    """Keep a copy of what the ledger says of a run beside the backups; a failure is only a warning."""
    from ci_migrate.evidence.ledger_copy import write_copy

    record, environment = execution.record, execution.environment
    if environment.backup.backend == NOT_TAKEN.backend:
        return  # there is no store, and nothing that could take the ledger back in time
    try:
        rows = ask_within(patience(record), lambda: execution.ledger.rows_of_run(run_id))
        if rows:
            write_copy(open_environment_store(environment, execution.env), rows)
    except CiMigrateError as exc:
        record.warn(f"the run could not be recorded beside the backups: {exc.message}")


def _keep_applied(record: RunRecord, survey: Survey, report: UpgradeReport) -> None:
    """Keep which of the planned revisions were carried out, with the time each was seen to take."""
    plan, reached = survey.plan, record.reached
    rows = plan.current if reached is None else reached
    planned = [item.revision for item in plan.pending]
    there = find_done(plan.direction, planned, rows, survey.history.graph)
    done = {revision for revision in there if report.could_have_run(revision)}
    if foreign := [revision for revision in planned if revision in there - done]:
        record.warn(
            f"not executed by this run, and yet {'in' if plan.direction == 'upgrade' else 'gone from'} the database:"
            f" {', '.join(foreign)}. Somebody else migrates it; the ledger takes that for no evidence"
        )
    record.applied = tuple(
        AppliedRevision(
            revision=item.revision,
            message=item.message,
            seconds=report.done.get(item.revision),
            direction=plan.direction,
            parents=item.parents,
            content_hash=item.content.content_hash,
        )
        for item in plan.pending
        if item.revision in done
    )


def _remains(execution: Execution, executed: set[str]) -> str | None:
    """Return what is left of revisions that did not come to their end, as the ledger keeps it.

    A run that changed nothing, or was seen to do nothing that lasts, leaves what there was before it.
    """
    record, seen = execution.record, execution.report.remains
    left = [remains for revision, remains in seen.items() if revision not in executed]
    if record.outcome in {Outcome.PARTIAL, Outcome.UNVERIFIED} and left:
        return encode_remains(left, record.redactor.clean)
    return None if record.outcome in GOOD_OUTCOMES else execution.left_before
