"""What every story that changes a database shares: request, record, lock, and how its failures are kept."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.database.identity import is_same_database
from ci_migrate.database.lock import Lock, hold_lock
from ci_migrate.debug import wants_debug
from ci_migrate.errors import BlockedError, ConfigError, DatabaseUnreachableError, ToldError
from ci_migrate.gates import connection
from ci_migrate.models import GOOD_OUTCOMES, Outcome, Promotion, RunInfo
from ci_migrate.observer import Observer
from ci_migrate.preflight import open_ledger
from ci_migrate.redact import Redactor
from ci_migrate.stops import taken_stops
from ci_migrate.story.backup_stage import remove_old_backups
from ci_migrate.story.execution import Execution
from ci_migrate.story.github_stage import tell_failure, tell_github
from ci_migrate.story.heartbeat import watch_server
from ci_migrate.story.record import RunRecord
from ci_migrate.story.restoring import refuse_half_restored
from ci_migrate.survey import History


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What every run of a story is given."""

    environment: Environment
    run: RunInfo
    env: Mapping[str, str]
    """Variables for the processes that are started."""
    versions: Mapping[str, str]
    observer: Observer
    redactor: Redactor
    now: Callable[[], datetime]
    """UTC."""

    def open_record(self, *, command: str, goal: Outcome) -> RunRecord:
        """Return the record of a run that begins; `goal` is the outcome of one that does all it has to."""
        return RunRecord(
            command=command,
            goal=goal,
            environment=self.environment.name,
            run=self.run,
            root=self.environment.root,
            observer=self.observer,
            redactor=self.redactor,
            versions=dict(self.versions),
            is_debug=wants_debug(self.env),
        )


def run_story(
    request: RunRequest, story: Callable[[RunRecord], None], *, command: str, goal: Outcome
) -> Promotion:
    """Run a story and return its record; expected failures and bugs are part of it.

    `goal` is the outcome that the story reaches when all is done. Until it sets another one the outcome is
    FAILED, which says that the database is unchanged.
    """
    record = request.open_record(command=command, goal=goal)
    try:
        with taken_stops():
            story(record)
    except ToldError as exc:
        _keep_failure(record, exc)
    except Exception as exc:  # noqa: BLE001 - a bug must leave a record and a report, too
        if record.failure is None:
            record.fail(exc)
        request.observer.warn(request.redactor.clean(traceback.format_exc()))
    tell_failure(request.environment, request.env, record)
    return record.promotion()


@contextmanager
def hold_database(
    request: RunRequest, record: RunRecord, history: History, *, restores: bool = False
) -> Iterator[Execution]:
    """Hold the lock of the environment's database, and give the means to work on it.

    Old backups are removed at the end of a complete promotion. Raises LockNotAcquiredError, and HalfRestoredError
    for a database that a restore has left in its middle, unless what follows `restores` it.
    """
    environment = request.environment
    record.stage_name = "lock"
    name = f"ci-migrate {request.run.run_url or request.run.host}"
    # Everything of ours goes over the direct connection; by way of a pooler goes only what the project does.
    open_database = partial(
        Database, root=environment.root, name=name, answer_timeout=environment.answer_timeout
    )
    project_database, database = open_database(environment.url), open_database(environment.lock_url)
    with ExitStack() as stack:
        with record.stage("lock") as note:
            lock = stack.enter_context(_hold_lock(request, database))
            _check_database(environment, database, project_database, restores=restores)
            note.result = f"held on {database.label}"
        record.stage_name = "plan"  # what is read from now on is read for it
        stack.enter_context(watch_server(database, environment.answer_timeout))
        execution = Execution(
            environment=environment,
            env=request.env,
            database=database,
            project_database=project_database,
            lock=lock,
            ledger=open_ledger(environment, database),
            record=record,
            now=request.now,
            history=history,
        )
        try:
            yield execution
        finally:
            execution.close()
        _end_well(execution)


def _end_well(execution: Execution) -> None:
    if execution.record.outcome is Outcome.PROMOTED:  # else nobody wants to lose a backup now
        remove_old_backups(execution)
    if execution.record.outcome in GOOD_OUTCOMES:
        tell_github(execution)


def _hold_lock(request: RunRequest, database: Database) -> AbstractContextManager[Lock]:
    return hold_lock(
        database,
        owner=request.run.label,
        wait=request.environment.lock_wait,
        tell=request.observer.note,
    )


def _check_database(
    environment: Environment, database: Database, project_database: Database, *, restores: bool
) -> None:
    if not restores:
        refuse_half_restored(database, environment.name)
    if environment.lock_url == environment.url:
        return
    if not is_same_database(database, project_database):
        raise ConfigError(
            f"`lock_url` names another database ({database.label}) than `url` ({project_database.label}):"
            " a lock there would keep nobody from migrating this one",
            next_step="`lock_url` is the direct way to the very database that `url` names by way of a pooler.",
        )


def _keep_failure(record: RunRecord, error: ToldError) -> None:
    if record.outcome in {record.goal, Outcome.NOTHING_TO_DO}:
        record.warn(f"after the {record.command} was complete: {error.message}")
    elif record.failure is None:
        record.fail(error)
    if isinstance(error, BlockedError):
        record.outcome = Outcome.BLOCKED
    if isinstance(error, DatabaseUnreachableError) and not record.gates:
        record.outcome, record.gates = Outcome.BLOCKED, (connection.unreachable(error),)
    if record.outcome is Outcome.FAILED:
        record.advise("Nothing was changed. Once the cause is gone, start the run again.")
    else:
        record.advise(
            "Start the run again: it names the state that it finds, and goes on from there."
        )
