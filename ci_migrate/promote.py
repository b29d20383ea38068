"""The story of a promotion: lock, plan, gates, backup, probe, upgrade, verify, ledger."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from ci_migrate.config.environment import Environment
from ci_migrate.database.catalog import list_tables, read_server_version
from ci_migrate.database.engine import Database
from ci_migrate.database.lock import hold_lock
from ci_migrate.errors import (
    BlockedError,
    CiMigrateError,
    DatabaseUnreachableError,
    ProjectError,
)
from ci_migrate.execution import Execution
from ci_migrate.gates.check import check_gates
from ci_migrate.ledger import Ledger
from ci_migrate.models import GateOutcome, GateResult, Outcome, Promotion, RunInfo
from ci_migrate.observer import Observer
from ci_migrate.preflight import Before, gather_inputs, open_ledger
from ci_migrate.record import RunRecord
from ci_migrate.redact import Redactor, one_line
from ci_migrate.stops import taken_stops
from ci_migrate.survey import History, Survey, read_files, survey_database


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteRequest:
    """One environment to bring to the revisions of the working directory."""

    environment: Environment
    before: Before | None
    """The environment that `promote_from` names."""
    run: RunInfo
    env: Mapping[str, str]
    """Variables for the processes that are started."""
    versions: Mapping[str, str]
    observer: Observer
    redactor: Redactor
    now: Callable[[], datetime]
    """UTC."""
    undone: tuple[str, ...] = ()
    """Half-applied revisions of which the user says that nothing is left."""


def promote(request: PromoteRequest) -> Promotion:
    """Run a promotion and return its record; expected failures and bugs are part of it."""
    record = RunRecord(
        environment=request.environment.name,
        run=request.run,
        root=request.environment.root,
        observer=request.observer,
        redactor=request.redactor,
        versions=dict(request.versions),
    )
    try:
        with taken_stops():
            _promote(request, record)
    except CiMigrateError as exc:
        if record.outcome is Outcome.PROMOTED:
            record.warn(f"after the promotion was complete: {exc.message}")
        elif record.failure is None:
            record.fail(exc)
        if isinstance(exc, BlockedError):
            record.outcome = Outcome.BLOCKED
        if isinstance(exc, DatabaseUnreachableError) and not record.gates:
            _block_by_connection(record, exc)
    except Exception as exc:  # noqa: BLE001 - a bug must leave a record and a report, too
        if record.failure is None:
            record.fail(exc)
        request.observer.warn(request.redactor.clean(traceback.format_exc()))
    return record.promotion()


def _promote(request: PromoteRequest, record: RunRecord) -> None:
    environment = request.environment
    record.stage_name = "plan"
    history = read_files(environment, request.env)
    record.stage_name = "lock"
    name = f"ci-migrate {request.run.run_url or request.run.host}"
    database = Database(environment.url, root=environment.root, name=name)
    lock_database = Database(environment.lock_url, root=environment.root, name=name)
    with ExitStack() as stack:
        with record.stage("lock") as note:
            lock = stack.enter_context(
                hold_lock(
                    lock_database,
                    scope=f"{history.version_table_schema or ''}.{history.version_table}",
                    owner=name,
                    wait=environment.lock_wait,
                    tell=request.observer.note,
                )
            )
            note.result = f"held on {lock_database.label}"
        execution = Execution(
            environment=environment,
            env=request.env,
            database=database,
            lock_database=lock_database,
            lock=lock,
            ledger=open_ledger(environment, database),
            record=record,
            now=request.now,
        )
        _promote_locked(request, record, history, execution)


def _promote_locked(
    request: PromoteRequest, record: RunRecord, history: History, execution: Execution
) -> None:
    try:
        if history.unreadable:
            _refuse_unreadable_command(request.environment, history)
            if list_tables(execution.database):
                _take_backup(request, record, execution, rows=())
            execution.open_project(history)
        survey = _make_plan(record, history, execution)
        _settle_unfinished(record, survey, execution.ledger, request.now)
        _pass_gates(request, record, survey, execution)
        if not survey.plan.pending:
            record.outcome = Outcome.NOTHING_TO_DO
            return
        if record.backup is None:
            _take_backup(request, record, execution, rows=survey.plan.current)
        # Most runs find nothing pending: what only the others need is imported by them.
        from ci_migrate.execute import execute_plan

        execute_plan(execution, survey)
    finally:
        execution.close()
    if record.outcome is Outcome.PROMOTED and request.environment.backup_keep:
        _prune(request, record)


def _refuse_unreadable_command(environment: Environment, history: History) -> None:
    if environment.migrations.upgrade_command:
        raise ProjectError(
            f"the revisions cannot be read as text: {'; '.join(history.unreadable)}",
            next_step="With `migrations.command` nothing else tells them: name their folders in"
            " `migrations.versions`, and the table in `migrations.version_table`.",
        )


def _make_plan(record: RunRecord, history: History, execution: Execution) -> Survey:
    with record.stage("plan") as note:
        project = execution.project
        survey = (project.survey if project else None) or survey_database(
            history, execution.database
        )
        record.plan = survey.plan
        count = len(survey.plan.pending)
        note.result = f"{count} pending" if count else "nothing pending"
        note.result += f", {len(survey.history.graph.revisions)} revisions in the branch"
    for text in survey.history.project.notes:
        record.warn(text)
    return survey


def _pass_gates(
    request: PromoteRequest, record: RunRecord, survey: Survey, execution: Execution
) -> None:
    with record.stage("gates") as note:
        inputs = gather_inputs(
            request.environment,
            survey,
            database=execution.database,
            ledger=execution.ledger,
            before=request.before,
            env=request.env,
            undone=request.undone,
        )
        record.gates = check_gates(inputs)
        failed = [gate for gate in record.gates if gate.outcome is GateOutcome.FAILED]
        note.result = "passed" if not failed else "FAILED: " + ", ".join(g.name for g in failed)
    if failed:
        raise BlockedError(
            "; ".join(f"{gate.name}: {gate.message}" for gate in failed),
            next_step=failed[0].next_step,
        )


def _take_backup(
    request: PromoteRequest, record: RunRecord, execution: Execution, rows: tuple[str, ...]
) -> None:
    from ci_migrate.backup.request import BackupRequest
    from ci_migrate.backup.stores.local import LocalStore
    from ci_migrate.backup.take import take_backup

    environment, database = request.environment, execution.database
    with record.stage("backup") as note:
        version, major = read_server_version(database)
        record.versions = {**record.versions, database.dialect: version}
        record.backup = take_backup(
            BackupRequest(
                environment=environment.name,
                run_id=request.run.run_id,
                run_url=request.run.run_url or "",
                address=database.address,
                server_version=version,
                server_major=major,
                tables=list_tables(database),
                heads=rows,
                store=LocalStore(environment.backup_directory),
                env=request.env,
                now=request.now(),
            ),
            environment.backup_backend,
        )
        note.result = f"{record.backup.backend}: {record.backup.verified}"


def _settle_unfinished(
    record: RunRecord, survey: Survey, ledger: Ledger, now: Callable[[], datetime]
) -> None:
    """Finish the record of runs that were cut off; the lock is ours, so none of them is alive."""
    if survey.plan.pending:
        _recall_partial(record, ledger)
    runs = ledger.unfinished_runs()
    if not runs:
        return
    graph = survey.history.graph
    present = graph.ancestors(row for row in survey.plan.current if row in graph.revisions)
    for run in runs:
        done = [revision for revision in run.planned if revision in present]
        record.warn(
            f"an earlier run, begun {run.started_at}{f' ({run.run_url})' if run.run_url else ''}, was cut"
            f" off: {len(done)} of its {len(run.planned)} revisions are in the database"
        )
        ledger.settle_run(run, present, now().isoformat())


def _recall_partial(record: RunRecord, ledger: Ledger) -> None:
    """Warn when the last run left the database partly changed: its backup may not have been brought back."""
    last = ledger.last_partial_run()
    if last is not None:
        record.warn(
            f"the last run, begun {last.started_at}, left the database partly changed"
            f" ({one_line(last.failure)}). Unless that was mended since, restore its backup first:"
            f" {last.backup or 'it had none'}"
        )


def _prune(request: PromoteRequest, record: RunRecord) -> None:
    from ci_migrate.backup.prune import prune_backups
    from ci_migrate.backup.stores.local import LocalStore

    environment = request.environment
    try:
        prune_backups(
            LocalStore(environment.backup_directory),
            environment.name,
            keep=environment.backup_keep,
            keep_days=None,
            now=request.now(),
        )
    except (CiMigrateError, OSError) as exc:
        record.warn(f"old backups could not be removed: {exc}")


def _block_by_connection(record: RunRecord, error: CiMigrateError) -> None:
    """Tell an unreachable database as what it is for the user: the gate `connection` failed."""
    record.outcome = Outcome.BLOCKED
    record.gates = (
        GateResult(
            name="connection",
            outcome=GateOutcome.FAILED,
            message=error.message,
            next_step=error.next_step,
        ),
    )
