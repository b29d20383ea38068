"""Runs any env.py through Alembic's EnvironmentContext, watched step by step, without patching it."""

from __future__ import annotations

import functools
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ci_migrate.database.challenge import answer_challenge
from ci_migrate.database.pooler import is_pooled
from ci_migrate.plain_revision import is_plain_file
from ci_migrate.worker import compat
from ci_migrate.worker.capture import StatementCapture, describe_exception
from ci_migrate.worker.garbage import GarbageThreshold
from ci_migrate.worker.lasting import is_autocommit
from ci_migrate.worker.leave import Leave
from ci_migrate.worker.locks import LockReader
from ci_migrate.worker.own_transaction import OwnTransactionError, TransactionWatch
from ci_migrate.worker.protocol import Channel
from ci_migrate.worker.session import SessionSettings

if TYPE_CHECKING:
    from alembic.config import Config

Steps = Callable[[tuple[str, ...], MigrationContext], Iterable[Any]]


class RefusedError(Exception):
    """What env.py opened is not what the parent planned for; nothing was run on it."""


class Driver:
    """One loaded project; `probe` looks, `run` upgrades or downgrades."""

    def __init__(self, config: Config, channel: Channel, settings: Mapping[str, Any]) -> None:
        self._config = config
        self._channel = channel
        self._settings = settings
        self._capture = StatementCapture(channel, tells_all=settings["reads_locks"])
        self._session = SessionSettings(settings)
        self._locks = LockReader(channel, lambda: self._capture.revision)
        self._garbage = GarbageThreshold()
        self._transactions = TransactionWatch(self._capture.note_lasting)
        self.script = ScriptDirectory.from_config(config)
        compat.set_locations(
            self.script, settings["version_locations"], alone=settings["replaces_versions"]
        )

    def probe(self, challenge: Mapping[str, str] | None) -> None:
        """Run env.py with no step to take, and report every database it configured."""

        def look(rows: tuple[str, ...], context: MigrationContext) -> list[Any]:
            found = self._describe(rows, context, challenge)
            # Rows of another database may be unknown to this history: no steps lead on from them.
            steps = self._upgrade_steps(rows) if found["same_database"] else []
            pending = [step.revision.revision for step in steps]
            self._channel.send("probed", **found, pending=pending)
            return []

        self._run_env(look, dont_mutate=True)

    def run(self, command: Mapping[str, Any]) -> None:
        """Run env.py with the steps that are asked for; report each as it starts and ends.

        `command`: do, which is `upgrade` (to the target) or `downgrade` (of exactly `revisions`, in their
        order, to the version rows `target`); challenge; expected, the version rows before; not_atomic; leave.
        The parent is asked before a step, where its last leave is older than `leave` seconds, and before each statement
        whose effect would outlive a crash, of the revisions in `not_atomic` and of those seen to do such a thing.
        """
        not_atomic = frozenset(command["not_atomic"])
        finished: list[bool] = []

        def run(rows: tuple[str, ...], context: MigrationContext) -> Iterator[Any]:
            found = self._describe(rows, context, command["challenge"])
            fits = found["same_database"] and not found["other_schema"]
            if not fits or found["rows"] != command["expected"]:
                # An event as well as an exception: env.py may swallow the exception.
                self._channel.send("refused", **found, expected=command["expected"])
                raise RefusedError("env.py opened another database, or its rows changed")
            self._session.apply(context.connection)
            self._channel.cancel = _local_cancel(context)
            if self._settings["reads_locks"]:
                self._locks.begin(context)
            self._channel.send("connected", server_id=_server_id(context))
            leave = Leave(self._channel, command["leave"])
            for step in self._steps(command, rows):
                self._await_leave(leave)
                is_atomic = step.revision.revision not in not_atomic
                yield from self._watched(step, context, is_atomic=is_atomic)
            if command["do"] == "downgrade":
                yield from self._drop_superfluous(context, command["target"])
            finished.append(True)

        try:
            self._run_env(run)
        except BaseException:
            # A commit or a version row may have failed after the revision's own code had ended well.
            self._capture.release()
            raise
        self._channel.send("ran", finished=bool(finished))

    def _await_leave(self, leave: Leave) -> None:
        """Let the parent look whether another revision may begin; raises RefusedError when it may not."""
        leave.await_it()
        if self._channel.stop_reason:
            self._channel.send("stopped", reason=self._channel.stop_reason)
            raise RefusedError(self._channel.stop_reason)

    def _steps(self, command: Mapping[str, Any], rows: tuple[str, ...]) -> Iterable[Any]:
        if command["do"] == "downgrade":
            return compat.downgrade_steps(self.script, command["revisions"])
        return self._upgrade_steps(rows)

    def _upgrade_steps(self, rows: tuple[str, ...]) -> Iterable[Any]:
        return compat.upgrade_steps(self.script, self._settings["target"], rows)

    def _drop_superfluous(self, context: MigrationContext, target: list[str]) -> Iterator[Any]:
        """Yield what deletes the rows that Alembic leaves of revisions which others of the target imply."""
        left = set(context.get_current_heads()) - set(target)
        for row in sorted(left):
            yield compat.drop_row_step(self.script, row)

    def _watched(self, step: Any, context: MigrationContext, *, is_atomic: bool) -> Iterator[Any]:
        revision, path = step.revision.revision, str(step.revision.path)
        function = step.migration_fn

        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._capture.look_at_tables(context.connection)
            is_plain = is_plain_file(path)
            self._garbage.set_for(is_plain=is_plain)
            self._capture.begin(revision, is_atomic=is_atomic)
            try:
                self._transactions.begin(context, is_plain=is_plain)
                result = function(*args, **kwargs)
                self._transactions.end(context)
            except BaseException as exc:
                self._tell_failure(revision, path, exc)
                raise
            else:
                self._tell_swallowed(revision)
                return result
            finally:
                self._transactions.forget()
                self._capture.revision = None

        step.migration_fn = watched
        self._channel.send_quietly("revision_started", revision=revision)
        started = time.monotonic()
        # Alembic runs the step here, writes its version row and, when each revision has a transaction
        # of its own, commits it.
        yield step
        seconds = round(time.monotonic() - started, 4)
        self._channel.send_quietly("revision_done", revision=revision, seconds=seconds)

    def _tell_failure(self, revision: str, path: str, error: BaseException) -> None:
        """Tell how a revision failed, what it had done, and whether something of that was committed."""
        # The run is over: a stop has nothing left to interrupt but this report.
        with suppress(ValueError):  # in a thread of the project's own
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        failure = describe_exception(error, path)
        if isinstance(error, OwnTransactionError):
            failure["file"] = path
        failure["statement"] = failure["statement"] or self._capture.last_statement
        self._capture.release()
        committed = (
            self._transactions.has_committed()
            or self._capture.works_elsewhere
            or self._capture.has_lasted
        )
        self._channel.send("revision_failed", revision=revision, committed=committed, **failure)

    def _tell_swallowed(self, revision: str) -> None:
        """Tell that statements failed in a revision that caught their errors and ended well."""
        count, first = self._capture.failures, self._capture.first_failure
        if count:
            self._channel.send("swallowed", revision=revision, count=count, first=first)

    def _run_env(self, steps: Steps, **options: Any) -> None:
        target = self._settings["target"]
        context = EnvironmentContext(
            self._config,
            self.script,
            fn=steps,
            as_sql=False,
            starting_rev=None,
            destination_rev=target,
            tag=None,
            **options,
        )
        self._watch_configure(context)
        with context:
            self.script.run_env()

    def _watch_configure(self, context: EnvironmentContext) -> None:
        """Override `configure` on the instance: `alembic.context` looks names up there."""
        original = context.configure

        def configure(*args: Any, **kwargs: Any) -> None:
            if self._settings["per_revision"]:
                kwargs["transaction_per_migration"] = True
            original(*args, **kwargs)
            connection = context.get_context().connection
            if connection is not None:
                self._capture.attach(connection)
                self._session.attach(connection.engine)
                self._transactions.attach(connection.engine)
                if self._settings["reads_locks"]:
                    self._locks.attach(connection.engine)

        context.configure = configure  # type: ignore[method-assign]

    def _describe(
        self,
        rows: tuple[str, ...],
        context: MigrationContext,
        challenge: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        connection = context.connection
        if connection is None:
            raise RefusedError("env.py configured no connection")
        url = connection.engine.url
        same = challenge is None or answer_challenge(connection, challenge)
        return {
            "rows": sorted(rows),
            "same_database": same,
            "other_schema": _other_schema(context, challenge or {}),
            "database": f"{_database_of(connection)} on {url.host or 'localhost'} ({url.get_backend_name()})",
            "version_table": context.version_table,
            "version_table_schema": context.version_table_schema,
            "autocommit": is_autocommit(connection),
            "external_transaction": compat.is_in_external_transaction(context),
        }


def _local_cancel(context: MigrationContext) -> Callable[[], object]:
    """Return what stops a statement of SQLite, which runs in this process and hears no signal."""
    connection = context.connection
    if connection is None or connection.dialect.name != "sqlite":
        return lambda: None
    raw = connection.connection.dbapi_connection
    interrupt = getattr(raw, "interrupt", None)
    return interrupt if callable(interrupt) else lambda: None


def _other_schema(context: MigrationContext, challenge: Mapping[str, str]) -> str:
    """Return the schema of PostgreSQL that env.py works in, where it is not ours; empty when it is.

    Where env.py names the schema of its version table, that is compared instead.
    """
    connection = context.connection
    is_postgresql = connection is not None and connection.dialect.name == "postgresql"
    if connection is None or not is_postgresql or context.version_table_schema is not None:
        return ""
    found = connection.exec_driver_sql("SELECT current_schema()").scalar() or "none that exists"
    return "" if found == challenge.get("schema", found) else str(found)


def _database_of(connection: Any) -> str:
    """Return the database of a connection: on MySQL and MariaDB another one may be chosen after connecting."""
    if connection.dialect.name in {"mysql", "mariadb"}:
        return str(connection.exec_driver_sql("SELECT DATABASE()").scalar())
    return str(connection.engine.url.database)


def _server_id(context: MigrationContext) -> int | None:
    """Return the server's number of env.py's session, so that the parent can cancel its statement."""
    connection = context.connection
    if connection is None:
        return None
    if connection.dialect.name == "postgresql" and is_pooled(connection):
        # The pooler may give that session to somebody else at any moment: nothing of theirs may be cancelled.
        return None
    statement = {
        "postgresql": "SELECT pg_backend_pid()",
        "mysql": "SELECT CONNECTION_ID()",
        "mariadb": "SELECT CONNECTION_ID()",
    }.get(connection.dialect.name)
    return int(connection.exec_driver_sql(statement).scalar() or 0) if statement else None
