"""The means of a story while its lock is held: databases, ledger, and the opened project."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from ci_migrate.config.environment import Environment
from ci_migrate.database.cancel import can_watch_client
from ci_migrate.database.catalog import take_snapshot
from ci_migrate.database.challenge import Challenge
from ci_migrate.database.engine import Database, Session
from ci_migrate.database.identity import publish_challenge
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.database.lock import Lock
from ci_migrate.database.patience import ask_within
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import InterruptedRunError, ProbeError, SilentServerError
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.migrations import Worker, WorkerSettings, start_worker
from ci_migrate.models import Outcome, Plan
from ci_migrate.scratch.restored import Restored
from ci_migrate.stops import held_stops
from ci_migrate.story.aftermath import State
from ci_migrate.story.record import RunRecord
from ci_migrate.story.restoring import Restoring
from ci_migrate.survey import History, Survey, history_of_worker, survey_database
from ci_migrate.upgrade.probe import (
    Patience,
    Probe,
    check_place,
    check_probe,
    probe_project,
    project_failure,
)
from ci_migrate.upgrade.report import UpgradeReport
from ci_migrate.worker_settings import build_settings, build_worker_environment

LOOK_SECONDS = 60.0
"""How long a look at the database may take; a stop shortens it."""
LONGEST_SHOWN_LINE = 10_000
"""Characters of a line that the project prints."""
WRITES_AT_IMPORT = (
    "What was done stays, and the next promotion goes on from it: look at it, or bring the backup back. If the"
    " application upgrades or creates tables when it is imported, guard that code, for example by a variable that"
    " `migrations.env` sets. If it cannot be guarded, or its revisions need those tables, let the project's own"
    " command migrate: `migrations.command`. If somebody else migrated the database, start this again."
)
"""The next step where importing the project changed the database."""


@dataclass(frozen=True, kw_only=True)
class OpenedProject:
    """A running worker whose env.py has been seen to open our database."""

    worker: Worker
    probe: Probe
    challenge: Challenge
    session: Session
    """The connection that the challenge lives by."""
    survey: Survey | None = None
    """The history as the project loaded it, when its files alone do not tell it."""

    def check_challenge(self) -> None:
        """Raise DatabaseFailedError when nobody could have answered the challenge any more: its connection is lost."""
        self.session.run(lambda connection: connection.exec_driver_sql("SELECT 1").close())


@dataclass(kw_only=True)
class Execution:
    """The means of one story while its lock is held; `close` ends the worker if there is one."""

    environment: Environment
    env: Mapping[str, str]
    database: Database
    """By the direct way, also where the project goes through a pooler."""
    project_database: Database
    """The same database by the URL that the project is given."""
    lock: Lock
    ledger: Ledger
    record: RunRecord
    now: Callable[[], datetime]
    version_locations: tuple[str, ...] = ()
    """Folders with further revisions, such as files that the branch has no more."""
    replaces_versions: bool = False
    """Whether only those folders count, and not the project's own."""
    history: History | None = None
    """What the files say; None where nobody has read them."""
    restoring: Restoring | None = None
    """The backup that a restore brings back into the environment's database."""
    restored: Restored | None = None
    """The backup in a scratch database, while a rehearsal may want it."""
    project: OpenedProject | None = None
    report: UpgradeReport = field(default_factory=UpgradeReport)
    sign: str = field(default_factory=lambda: f"migrations {uuid.uuid4().hex[:12]}")
    """The name of the project's sessions, by which they are told from those of others."""
    left_before: str | None = None
    """What the ledger says that the run before left unfinished."""
    _open: ExitStack = field(default_factory=ExitStack)
    _worker: Worker | None = None

    def open_project(self, history: History, plan: Plan | None = None) -> OpenedProject:
        """Start the worker, let env.py run without a step, and prove that it opens our database, and fits the plan.

        Stage `probe`. Compares the schema before and after: importing an application can write to it.
        """
        with self.record.stage("probe") as note:
            before = self.read_state(history)
            session = self._open.enter_context(self.database.session())
            challenge = publish_challenge(self.database, session)
            worker = self._worker or self._start_worker()
            worker.load(self._settings_of(history))
            patience = Patience(self.environment.probe_timeout, self.record.observer.note)
            can_look = True
            try:
                probe = _probe(worker, challenge, patience, plan)
            except SilentServerError:
                can_look = False
                raise
            finally:
                if can_look:
                    ask_within(LOOK_SECONDS, lambda: self._check_untouched(before, history))
            self.project = OpenedProject(
                worker=worker, probe=probe, challenge=challenge, session=session
            )
            self.check_project(self.project, history, plan)
            if history.unreadable:
                survey = self._survey_by(worker, history, probe, patience)
                self.project = replace(self.project, survey=survey)
            note.result = f"env.py opens {self.database.label}"
        return self.project

    def check_project(self, project: OpenedProject, history: History, plan: Plan | None) -> None:
        """Raise when env.py opened another database than ours, or would do something else than was planned."""
        probe, label = project.probe, self.database.label
        if not probe.same_database:
            project.check_challenge()
        check_place(probe, label)
        if plan is not None:
            check_probe(probe, plan, label, history.version_table, history.version_table_schema)

    def expect_upgrade(self) -> None:
        """Start the worker early where no backup comes first: it loads Alembic while we read the files.

        It hears nothing of the project. Not where the project's variables change how a Python starts.
        """
        environment = self.environment
        is_sure = (
            environment.backup.backend == "none" and not environment.migrations.upgrade_command
        )
        if is_sure and not any(name.startswith("PYTHON") for name in environment.migrations.env):
            self._worker = self._worker or self._start_worker()

    def _start_worker(self) -> Worker:
        env = build_worker_environment(self.environment, self.env, self.database, self.sign)
        # A stop in the middle would leave a worker that nobody ends.
        with held_stops():
            return self._open.enter_context(
                start_worker(env=env, root=self.environment.root, hear=self.hear)
            )

    def read_state(self, history: History) -> State:
        """Return version rows and schema as a fresh connection sees them."""
        table, schema = history.version_table, history.version_table_schema
        return State(
            rows=read_version_rows(self.database, table, schema).rows,
            snapshot=take_snapshot(self.database, without=(LEDGER_TABLE, table)),
        )

    def hear(self, line: str) -> None:
        """Pass on what the project prints, without the secrets that we know."""
        clean = self.record.redactor.clean(line)
        self.record.observer.project_output(clean[:LONGEST_SHOWN_LINE])

    def close(self) -> None:
        """End the worker and the connections; the project can be opened anew."""
        self.project = self._worker = None
        self._open.close()
        self.forget_copy()

    def forget_copy(self) -> None:
        """Give the restored copy up, if there is one."""
        if self.restored is not None:
            self.restored.close()
            self.restored = None

    def start_again(self) -> None:
        """Forget what was seen and done: the database is not what was planned for, and nothing was run."""
        self.close()
        self.report = UpgradeReport()
        self.record.forget_attempt()

    def _settings_of(self, history: History) -> WorkerSettings:
        return build_settings(
            self.environment,
            history.project,
            self.project_database,
            connection_check=can_watch_client(self.database),
            plan=self.record.plan,
            version_locations=self.version_locations,
            replaces_versions=self.replaces_versions,
        )

    def _survey_by(
        self, worker: Worker, history: History, probe: Probe, patience: Patience
    ) -> Survey:
        worker.send(do="history")
        answer = list(worker.events("history", "failed", while_silent=patience.look))[-1]
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
            "importing the project changed the database before any revision was asked to run, or somebody"
            f" else did in that moment: version rows {rows}; changed tables: {tables}",
            next_step=WRITES_AT_IMPORT,
        )


def _probe(worker: Worker, challenge: Challenge, patience: Patience, plan: Plan | None) -> Probe:
    try:
        return probe_project(worker, challenge, patience, plan)
    except (ProbeError, InterruptedRunError) as exc:
        if patience.is_over or isinstance(exc, InterruptedRunError):
            with held_stops():
                worker.interrupt()  # what it still does would come after the look at the database
        raise
