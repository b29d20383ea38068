"""Stage `rehearse`: the pending revisions run on the restored copy first, and have to end well there."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import nullcontext

from ci_migrate.config.environment import Environment
from ci_migrate.database.cancel import cancel_statement
from ci_migrate.database.catalog import Snapshot, list_tables, take_snapshot
from ci_migrate.database.comparison import compare_schemas
from ci_migrate.database.engine import Database
from ci_migrate.database.identity import publish_challenge
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.database.locks_held import strength_of
from ci_migrate.database.strays import Strays, expect_strays, wait_for_strays
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import (
    BlockedError,
    CiMigrateError,
    ProbeError,
    UpgradeError,
    WrongDatabaseError,
)
from ci_migrate.foreseen import LockSeen, Rehearsal, RehearsedRevision
from ci_migrate.gates import rehearsal as gate
from ci_migrate.migrations import start_worker
from ci_migrate.models import GateOutcome, GateResult, Outcome, Plan
from ci_migrate.rehearsal.lock_poll import LockPoll
from ci_migrate.scratch.restored import Restored
from ci_migrate.story.aftermath import State
from ci_migrate.story.execution import Execution
from ci_migrate.survey import Survey
from ci_migrate.upgrade.probe import Patience, check_probe, probe_project
from ci_migrate.upgrade.report import UpgradeReport
from ci_migrate.upgrade.run import Control, run_revisions
from ci_migrate.verify import verify_target
from ci_migrate.worker_settings import build_settings, build_worker_environment

END_SECONDS = 5.0


def rehearse(execution: Execution, survey: Survey) -> None:
    """Run the pending revisions on the restored copy, which is given up afterwards, and keep what was seen.

    Raises BlockedError when they do not end well there: the gate `rehearsal` has failed, and the
    environment's database is as it was.
    """
    restored, record = execution.restored, execution.record
    if restored is None or not survey.plan.pending:
        return
    before = execution.read_state(survey.history)
    run = _Run(execution, survey, restored)
    failure: CiMigrateError | None = None
    with record.stage("rehearse") as note:
        try:
            run.go()
        except CiMigrateError as exc:
            failure = exc
        record.rehearsal = run.result("failed" if failure else "passed")
        note.result = f"{record.rehearsal.outcome} on {record.rehearsal.where}"
    execution.forget_copy()
    _check_untouched(execution, survey, before)
    if failure is None:
        _answer(execution, GateOutcome.PASSED, note.result, None)
        return
    message, next_step = _describe(failure)
    _answer(execution, GateOutcome.FAILED, message, next_step)
    raise BlockedError(f"rehearsal: {message}", next_step=next_step, where=failure.where)


class _Run:
    """One rehearsal: the worker on the copy, and what was seen of it."""

    def __init__(self, execution: Execution, survey: Survey, restored: Restored) -> None:
        self._execution = execution
        self._survey = survey
        self._scratch = restored.scratch
        self._environment = _environment_of(execution.environment, self._scratch.url)
        self._started = time.monotonic()
        self._report = UpgradeReport(direction=survey.plan.direction)
        self._poll = LockPoll(
            database=self._database, report=self._report, tables=frozenset(self._list_tables())
        )
        self._is_round_trip = False

    @property
    def _database(self) -> Database:
        return self._scratch.database

    def go(self) -> None:
        """Upgrade and verify, and where it is wanted make the round trip; raises the failure."""
        plan = self._survey.plan
        before = self._snapshot()
        self._work(plan, self._report, self._poll)
        is_wanted = self._execution.environment.rehearse == "round_trip"
        if is_wanted and plan.direction == "upgrade":
            self._go_back_and_forth(plan, before)

    def _go_back_and_forth(self, plan: Plan, before: Snapshot) -> None:
        """Downgrade to where it began and upgrade again; both schemas have to be those of the first time."""
        rows, after = self._read_rows(), self._snapshot()
        pending = tuple(reversed(plan.pending))
        back = Plan(current=rows, target=plan.current, pending=pending, direction="downgrade")
        self._work(back, UpgradeReport(direction="downgrade"), None)
        changed = before.changed_tables(self._snapshot())
        if changed:
            raise UpgradeError(
                f"downgrade and upgrade are no round trip: {', '.join(changed[:20])} differ from before",
                next_step="Correct downgrade() of these revisions, or rehearse without the way back.",
            )
        self._work(plan, UpgradeReport(), None)
        differing = compare_schemas(after, self._snapshot())
        if differing:
            told = "; ".join(item.describe("the first", "the second") for item in differing[:5])
            raise UpgradeError(
                f"the second upgrade made another schema than the first: {told}",
                next_step="Let upgrade() of these revisions not depend on what it finds, or rehearse without the way"
                " back.",
            )
        self._is_round_trip = True

    def result(self, outcome: str) -> Rehearsal:
        """Return what was seen, also of a rehearsal that failed."""
        return Rehearsal(
            outcome=outcome,
            where=self._scratch.where,
            seconds=round(time.monotonic() - self._started, 3),
            revisions=tuple(self._revisions()),
            round_trip=self._is_round_trip,
        )

    def _work(self, plan: Plan, report: UpgradeReport, poll: LockPoll | None) -> None:
        execution, history, database = self._execution, self._survey.history, self._database
        settings = build_settings(
            self._environment, history.project, database, connection_check=False, plan=plan
        )
        env = build_worker_environment(self._environment, execution.env, database, execution.sign)
        root, observer = execution.environment.root, execution.record.observer
        table, schema = history.version_table, history.version_table_schema
        with (
            database.session() as session,
            start_worker(env=env, root=root, hear=execution.hear) as worker,
        ):
            worker.load(dataclasses.replace(settings, reads_locks=poll is not None))
            challenge = publish_challenge(database, session)
            limit = execution.environment.probe_timeout
            probe = probe_project(worker, challenge, Patience(limit, observer.note))
            check_probe(probe, plan, database.label, table, schema)
            strays = expect_strays(database, execution.sign)
            patience = Patience(limit, observer.note, is_loaded=True)
            with poll.run() if poll else nullcontext():
                run_revisions(
                    worker,
                    plan,
                    challenge,
                    report=report,
                    observer=observer,
                    control=_control(database, strays, patience),
                )
        if report.failure is not None:
            raise report.failure
        rows = self._read_rows()
        verify_target(rows, plan, history.graph, external_transaction=probe.external_transaction)

    def _read_rows(self) -> tuple[str, ...]:
        history = self._survey.history
        table, schema = history.version_table, history.version_table_schema
        return read_version_rows(self._database, table, schema).rows

    def _snapshot(self) -> Snapshot:
        own = (LEDGER_TABLE, self._survey.history.version_table)
        return take_snapshot(self._database, without=own)

    def _list_tables(self) -> Iterator[str]:
        own = {LEDGER_TABLE, self._survey.history.version_table}
        for schema, name in list_tables(self._database):
            if name not in own:
                yield f"{schema}.{name}" if schema else name

    def _revisions(self) -> Iterator[RehearsedRevision]:
        seen = [*self._report.locks, *self._poll.seen()]
        for item in self._survey.plan.pending:
            locks = strongest_locks(lock for lock in seen if lock.revision == item.revision)
            if item.revision in self._report.statements or item.revision in self._report.done:
                yield RehearsedRevision(
                    revision=item.revision,
                    seconds=self._report.done.get(item.revision),
                    statements=self._report.statements.get(item.revision, 0),
                    locks=locks if self._poll.shows else None,
                )


def strongest_locks(locks: Iterator[LockSeen]) -> tuple[LockSeen, ...]:
    """Return the strongest lock of each table, held the longest, the strongest first."""
    found: dict[str, LockSeen] = {}
    for lock in locks:
        other = found.get(lock.table)
        if other is None or _weight(lock) > _weight(other):
            found[lock.table] = lock
    return tuple(sorted(found.values(), key=_weight, reverse=True))


def _weight(lock: LockSeen) -> tuple[int, float]:
    return strength_of(lock.mode), lock.seconds


def _environment_of(environment: Environment, url: str) -> Environment:
    return dataclasses.replace(environment, url=url, lock_url=url, lock_retries=0)


def _control(database: Database, strays: Strays, patience: Patience) -> Control:
    def cancel(number: int | None) -> tuple[str, ...]:
        if number is not None:
            cancel_statement(database, number)
        return ()

    return Control(
        refuse=lambda: "",
        leave=1e9,
        keep=lambda _remains: None,  # nobody comes after a scratch database
        cancel=cancel,
        wait_for_end=lambda number: wait_for_strays(database, strays, number, END_SECONDS),
        await_connection=patience.look,
    )


def _check_untouched(execution: Execution, survey: Survey, before: State) -> None:
    """Raise when the environment's own database is not as it was: something went past env.py."""
    after = execution.read_state(survey.history)
    if before == after:
        return
    record = execution.record
    record.outcome, record.reached = Outcome.PARTIAL, after.rows
    tables = ", ".join(before.snapshot.changed_tables(after.snapshot)[:20]) or "none"
    raise ProbeError(
        f"the environment's own database changed while the rehearsal ran; changed tables: {tables}",
        next_step="The project has a URL of its own that no setting replaces, or somebody else changed the"
        " schema meanwhile. Look at these tables before you run anything.",
    )


def _answer(
    execution: Execution, outcome: GateOutcome, message: str, next_step: str | None
) -> None:
    answer = GateResult(name=gate.NAME, outcome=outcome, message=message, next_step=next_step)
    others = [result for result in execution.record.gates if result.name != gate.NAME]
    execution.record.keep_gates((*others, answer))


def _describe(failure: CiMigrateError) -> tuple[str, str]:
    if isinstance(failure, WrongDatabaseError):
        return (
            failure.message.replace("this environment is", "the rehearsal gave it"),
            failure.next_step or "",
        )
    where = failure.where
    place = f"{where.revision}: " if where.revision else ""
    statement = f"\nin: {where.statement}" if where.statement else ""
    message = f"{place}{failure.message}{statement}"
    return message, failure.next_step or (
        "The environment's database was not touched. Correct the revision and push again; what the"
        " project printed is above."
    )
