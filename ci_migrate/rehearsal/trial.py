"""Revisions tried on a scratch database, in an order of the caller's, watched between each two."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from ci_migrate.config.environment import Environment
from ci_migrate.database.cancel import can_watch_client
from ci_migrate.database.catalog import Snapshot
from ci_migrate.database.comparison import read_schema
from ci_migrate.database.engine import Database
from ci_migrate.database.identity import publish_challenge
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import CiMigrateError, ProjectError, ProofError
from ci_migrate.migrations import Worker, start_worker
from ci_migrate.models import Plan
from ci_migrate.observer import Observer
from ci_migrate.redact import Redactor
from ci_migrate.revisions.pending import describe_pending
from ci_migrate.survey import History
from ci_migrate.untold import not_text
from ci_migrate.upgrade.probe import Patience, Probe, check_probe, probe_project
from ci_migrate.upgrade.report import UpgradeReport
from ci_migrate.upgrade.run import Control, run_revisions
from ci_migrate.worker_settings import build_settings, build_worker_environment

SIGN = "migrations of a trial"
MOST_LINES = 100
"""Of what the project printed, those that are shown when a trial fails."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A history that runs on a scratch database, each revision in a transaction of its own."""

    environment: Environment
    """With the URL of the scratch database in place of its own."""
    history: History
    database: Database
    env: Mapping[str, str]
    observer: Observer
    redactor: Redactor = field(default_factory=Redactor)

    def upgrade(
        self, targets: Iterable[str], between: Callable[[], object] = lambda: None
    ) -> tuple[str, ...]:
        """Bring the scratch database to some revisions, and return its version rows.

        `between` is called before each revision and after the last; what came before is committed then.
        Raises ProofError when a revision fails.
        """
        for target in targets:
            if not self._plan(target).pending:
                continue
            with self.open_worker(target) as (worker, challenge, probe):
                self._run(worker, challenge, probe, self._plan(target), between)
        between()
        return self.rows()

    def run_one(self, revision: str) -> tuple[str, ...]:
        """Run one revision after all that it needs, and return the statements that it executed.

        Only of revisions that are not atomic each statement is told. Raises ProofError when it fails.
        """
        self.upgrade(self.history.graph.revisions[revision].parents)
        with self.open_worker(revision) as (worker, challenge, probe):
            report = self._run(worker, challenge, probe, self._plan(revision), lambda: None)
        return tuple(report.executed)

    def rows(self) -> tuple[str, ...]:
        """Return the version rows of the scratch database."""
        table, schema = self.history.version_table, self.history.version_table_schema
        return read_version_rows(self.database, table, schema).rows

    def schema(self) -> Snapshot:
        """Return the schema that was built, without the version table."""
        return read_schema(self.database, without=(self.history.version_table, LEDGER_TABLE))

    @contextmanager
    def open_worker(self, target: str) -> Iterator[tuple[Worker, Mapping[str, str], Probe]]:
        """Yield a worker whose env.py opened the scratch database, with the challenge that proves it."""
        settings = build_settings(
            self.environment,
            self.history.project,
            self.database,
            connection_check=can_watch_client(self.database),
        )
        settings = replace(settings, target=target, per_revision=True)
        printed: deque[str] = deque(maxlen=MOST_LINES)
        try:
            with (
                self.database.session() as session,
                start_worker(
                    env=build_worker_environment(self.environment, self.env, self.database, SIGN),
                    root=self.environment.root,
                    hear=printed.append,
                ) as worker,
            ):
                worker.load(settings)
                challenge = publish_challenge(self.database, session)
                patience = Patience(self.environment.probe_timeout, self.observer.note)
                yield worker, challenge, probe_project(worker, challenge, patience)
        except CiMigrateError:
            # What the project prints on the way is of interest only where the way ends.
            for line in printed:
                self.observer.project_output(self.redactor.clean(line))
            raise

    def _run(
        self,
        worker: Worker,
        challenge: Mapping[str, str],
        probe: Probe,
        plan: Plan,
        between: Callable[[], object],
    ) -> UpgradeReport:
        history = self.history
        check_probe(
            probe, plan, self.database.label, history.version_table, history.version_table_schema
        )

        def look() -> str:
            between()
            return ""

        report = UpgradeReport()
        patience = Patience(self.environment.probe_timeout, self.observer.note, is_loaded=True)
        control = Control(
            refuse=look,
            leave=0.0,
            keep=lambda _remains: None,
            cancel=lambda _number: (),
            wait_for_end=lambda _number: {},
            await_connection=patience.look,
        )
        run_revisions(
            worker, plan, challenge, report=report, observer=self.observer, control=control
        )
        if isinstance(report.failure, CiMigrateError):
            raise _not_proved(report.failure) from report.failure
        if report.failure is not None:
            raise report.failure
        return report

    def _plan(self, target: str) -> Plan:
        graph, rows = self.history.graph, self.rows()
        root, dialect = self.history.project.root, self.database.dialect
        return Plan(
            current=rows,
            target=(target,),
            pending=tuple(
                describe_pending(graph.revisions[revision], root, dialect)
                for revision in graph.pending(rows, [target])
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRequest:
    """What is to be tried, and on a database like which."""

    environment: Environment
    history: History
    run_id: str
    env: Mapping[str, str]
    observer: Observer
    redactor: Redactor
    now: Callable[[], datetime]
    """UTC."""


@contextmanager
def open_trial(request: TrialRequest) -> Iterator[Trial]:
    """Yield a trial on a scratch database like the environment's, which is empty, and gone afterwards.

    Raises ProjectError where only the project's own command could run the revisions, ScratchError when no
    database can be made.
    """
    from ci_migrate.scratch.open import open_scratch
    from ci_migrate.scratch.request import scratch_like

    environment, history = request.environment, request.history
    _refuse(environment, history)
    scratch_request = scratch_like(
        environment,
        Database(environment.url, root=environment.root, name="ci-migrate"),
        run_id=request.run_id,
        env=request.env,
        now=request.now,
        warn=request.observer.warn,
    )
    with open_scratch(scratch_request) as scratch:
        request.observer.note(f"on {scratch.where}")
        yield Trial(
            environment=replace(environment, url=scratch.url, lock_url=scratch.url),
            history=history,
            database=scratch.database,
            env=request.env,
            observer=request.observer,
            redactor=request.redactor,
        )


def _refuse(environment: Environment, history: History) -> None:
    if environment.migrations.upgrade_command:
        raise ProjectError(
            "revisions can be tried on a scratch database only when Alembic runs them, not"
            " `migrations.command`",
            next_step="Try them by hand on an empty database.",
        )
    if history.uncounted:
        raise not_text(history.uncounted, "Name their folders in `migrations.versions`.")


def _not_proved(failure: CiMigrateError) -> ProofError:
    where = failure.where
    revision = f"{where.revision} " if where.revision else ""
    return ProofError(
        f"{revision}failed on a scratch database: {failure.message}",
        where=where,
        next_step="Nothing of yours was changed. Correct the revision, then try again.",
    )
