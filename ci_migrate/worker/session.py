"""Settings of the session in which the revisions run: timeouts, and a look at whether we still live."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import event

from ci_migrate.database.pooler import is_pooled
from ci_migrate.worker.lasting import is_autocommit
from ci_migrate.worker.unheard import run_unheard

CHECK_MILLISECONDS = 1_000


class SessionSettings:
    """Applies the environment's timeouts to the connections of env.py's engine."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._is_pooled: bool | None = None

    def attach(self, engine: Any) -> None:
        """Listen for transactions that begin on the engine; a second call for it does nothing."""
        if not event.contains(engine, "begin", self._begin):
            event.listen(engine, "begin", self._begin)

    def apply(self, connection: Any) -> None:
        """Apply the settings now: env.py may have begun its transaction before we could listen."""
        if connection.in_transaction():
            self._begin(connection)

    def _begin(self, connection: Any) -> None:
        # Not where each statement is committed by itself: a concurrent index build that meets a lock timeout leaves an
        # invalid index behind. On PostgreSQL for one transaction at a time: a session's setting would outlive it behind
        # a pooler.
        if is_autocommit(connection):
            self._watch_client(connection)
            return
        for statement in self._statements(connection.dialect):
            run_unheard(connection, statement)

    def _watch_client(self, connection: Any) -> None:
        # For the session, as there is no transaction: a concurrent index build would go on without us.
        if connection.dialect.name != "postgresql" or not self._settings["connection_check"]:
            return
        if self._is_pooled is None:
            self._is_pooled = is_pooled(connection, run_unheard)
        if not self._is_pooled:  # there the setting would be somebody else's next
            run_unheard(connection, f"SET client_connection_check_interval = {CHECK_MILLISECONDS}")

    def _statements(self, dialect: Any) -> Iterator[str]:
        lock, statement = self._settings["lock_timeout"], self._settings["statement_timeout"]
        if dialect.name == "postgresql":
            if self._settings["connection_check"]:
                yield f"SET LOCAL client_connection_check_interval = {CHECK_MILLISECONDS}"
            if lock:
                yield f"SET LOCAL lock_timeout = {_milliseconds(lock)}"
            if statement:
                yield f"SET LOCAL statement_timeout = {_milliseconds(statement)}"
        elif dialect.name in {"mysql", "mariadb"}:
            if lock:
                yield f"SET SESSION lock_wait_timeout = {math.ceil(lock)}"
                yield f"SET SESSION innodb_lock_wait_timeout = {math.ceil(lock)}"
            if statement and dialect.is_mariadb:
                yield f"SET SESSION max_statement_time = {statement:g}"
        elif dialect.name == "sqlite" and lock:
            yield f"PRAGMA busy_timeout = {_milliseconds(lock)}"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
