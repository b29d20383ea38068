"""The part of a promotion that changes the database: worker or own runner, upgrade, verify, ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from ci_migrate.aftermath import State, advise, is_changed
from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.config.environment import Environment
from ci_migrate.database.cancel import can_watch_client, cancel_statement
from ci_migrate.database.catalog import take_snapshot
from ci_migrate.database.engine import Database
from ci_migrate.database.identity import Challenge, publish_challenge
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.database.lock import Lock
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import CiMigrateError, ProbeError, UpgradeError
from ci_migrate.ledger import Ledger
from ci_migrate.migrations import Worker, start_worker
from ci_migrate.models import AppliedRevision, Outcome
from ci_migrate.own_runner import run_own_command
from ci_migrate.process import held_signals
from ci_migrate.record import RunRecord
from ci_migrate.survey import History, Survey, history_of_worker, survey_database
from ci_migrate.upgrade import (
    Probe,
    UpgradeReport,
    check_probe,
    load_and_probe,
    project_failure,
    run_upgrade,
)
from ci_migrate.verify import verify_target
from ci_migrate.worker_settings import build_settings, build_worker_environment


@dataclass(frozen=True, kw_only=True)
class OpenedProject:
    """A running worker whose env.py has been seen to open our database."""

    worker: Worker
    probe: Probe
    challenge: Challenge
    survey: Survey | None
    """The history as the project loaded it, when its files alone do not tell it."""


@dataclass(kw_only=True)
class Execution:
    """The means of one promotion while its lock is held; `close` ends the worker if there is one."""

    environment: Environment
    env: Mapping[str, str]
    database: Database
    lock_database: Database
    lock: Lock
    ledger: Ledger
    record: RunRecord
    now: Callable[[], datetime]
    project: OpenedProject | None = None
    report: UpgradeReport = field(default_factory=UpgradeReport)
    _open: ExitStack = field(default_factory=ExitStack)

    def open_project(self, history: History) -> OpenedProject:
        """Start the worker, let env.py run without a step, and prove that it opens our database.

        Stage `probe`. Compares the schema before and after: importing an application can write to it.
        """
        with self.record.stage("probe") as note:
            before = self.read_state(history)
            session = self._open.enter_context(self.database.session())
            challenge = publish_challenge(self.database, session)
            worker = self._open.enter_context(
                start_worker(
                    build_settings(
                        self.environment,
                        history.project,
                        self.database,
                        connection_check=can_watch_client(self.database),
                    ),
                    env=build_worker_environment(self.environment, self.env, self.database),
                    root=self.environment.root,
                    hear=self.hear,
                )
            )
            try:
                probe = load_and_probe(worker, challenge)
            finally:
                self._check_untouched(before, history)
            survey = self._survey_by(worker, history, probe) if history.unreadable else None
            self.project = OpenedProject(
                worker=worker, probe=probe, challenge=challenge, survey=survey
            )
            note.result = f"env.py opens {self.database.label}"
        return self.project

    def read_state(self, history: History) -> State:
        """Return version rows and schema as a fresh connection sees them."""
        table, schema = history.version_table, history.version_table_schema
        return State(
            rows=read_version_rows(self.database, table, schema).rows,
            snapshot=take_snapshot(self.database, without=(LEDGER_TABLE, table)),
        )

    def hear(self, line: str) -> None:
        """Pass on what the project prints, without the secrets that we know."""
        self.record.observer.project_output(self.record.redactor.clean(line))

    def close(self) -> None:
        """End the worker and the connections."""
        self._open.close()

    def _survey_by(self, worker: Worker, history: History, probe: Probe) -> Survey:
        worker.send(do="history")
        answer = list(worker.events("history", "failed"))[-1]
        if answer["event"] == "failed":
            raise project_failure(answer)
        found = history_of_worker(
            history, answer["revisions"], probe.version_table, probe.version_table_schema
        )
        return survey_database(found, self.database)

    def _check_untouched(self, before: State, history: History) -> None:
        after = self.read_state(history)
        if before == after:
            return
        self.record.outcome, self.record.reached = Outcome.PARTIAL, after.rows
        tables = ", ".join(before.snapshot.changed_tables(after.snapshot)[:20]) or "none"
        rows = f"{', '.join(before.rows) or 'none'} → {', '.join(after.rows) or 'none'}"
        raise ProbeError(
            "importing the project changed the database before any revision was asked to run: version"
            f" rows {rows}; changed tables: {tables}",
            next_step="The application upgrades or creates tables when it is imported. Guard that code, for"
            " example by a variable that `migrations.env` sets, then look at what it did.",
        )


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
        with held_signals():
            _look_back(execution, survey, before)
        raise
    finally:
        _finish_ledger(execution, survey)


def _upgrade(execution: Execution, survey: Survey) -> None:
    if execution.environment.migrations.upgrade_command:
        _run_own(execution)
    else:
        _run_worker(execution, survey)
    if execution.report.failure is not None:
        execution.record.stage_name = "upgrade"
        raise execution.report.failure


def _run_worker(execution: Execution, survey: Survey) -> None:
    record, history = execution.record, survey.history
    project = execution.project or execution.open_project(history)
    check_probe(
        project.probe,
        survey.plan,
        execution.database.label,
        history.version_table,
        history.version_table_schema,
    )
    _check_lock(execution)
    with record.stage("upgrade") as note:
        report = execution.report = run_upgrade(
            project.worker,
            survey.plan,
            project.challenge,
            observer=record.observer,
            cancel=lambda number: cancel_statement(execution.lock_database, number),
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
        after = execution.read_state(history)
    except CiMigrateError as exc:
        record.outcome = Outcome.PARTIAL
        record.warn(f"the database could not be read after the failure: {exc.message}")
        return
    record.reached = after.rows
    pending = {item.revision: item for item in survey.plan.pending}
    changed = is_changed(before, after, record.failure, pending)
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
        )
    )


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
    try:
        with held_signals():
            execution.ledger.finish_run(promotion, executed, execution.now().isoformat())
    except CiMigrateError as exc:
        record.warn(f"the end of the run could not be recorded, the next run will: {exc.message}")
