"""Whether a revision rolled back the transaction in which it runs, and so what it did before."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import event

from ci_migrate.worker.lasting import outlives_crash

_ROLLBACK = re.compile(r"\s*(?:ROLLBACK|ABORT)\b(?!.*\bTO\b)", re.IGNORECASE | re.DOTALL)

_WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|CALL|LOAD)\b", re.IGNORECASE)


class RolledBackError(Exception):
    """A revision ended its own transaction by a rollback; its version row would claim what is gone."""

    def __init__(self) -> None:
        super().__init__(
            "the revision rolled its transaction back, so what it had done before is gone; leave the transaction to"
            " Alembic, take back a statement that may fail with a SAVEPOINT (op.get_bind().begin_nested()), and put"
            " what needs no transaction into `with op.get_context().autocommit_block():`"
        )


class RollbackWatch:
    """Looks for a rollback between the begin and the end of a revision's code.

    PostgreSQL itself tells it: a setting of the session that is set in a transaction is lost with it, and stays when
    that is committed. Elsewhere it is seen as a statement or a call of the driver, and counts after rows were written
    that no change of the schema has committed since.
    """

    def __init__(self) -> None:
        self._number = 0
        self._is_marked = False
        self._has_written = False
        self._is_seen = False
        self._connection: Any = None
        self._undo: list[Callable[[], object]] = []

    def attach(self, engine: Any) -> None:
        """Listen to an engine; a second call for the same engine does nothing."""
        if engine.dialect.name != "postgresql" and not event.contains(
            engine, "before_cursor_execute", self._before
        ):
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "rollback", self._rolled_back)

    def begin(self, connection: Any) -> None:
        """Note that a revision begins on a connection."""
        self._has_written, self._is_seen, self._connection = False, False, connection
        self._number += 1
        self._is_marked = connection is not None and connection.dialect.name == "postgresql"
        if self._is_marked:
            _run(connection, f"SET ci_migrate.revision = '{self._mark}'")
        elif connection is not None:
            self._listen(connection)

    def end(self) -> None:
        """Raise RolledBackError when the revision rolled back what it had done."""
        if self._is_marked and not self._is_still_marked():
            raise RolledBackError
        if self._is_seen:
            raise RolledBackError

    def forget(self) -> None:
        """Leave the driver's connection as it was."""
        while self._undo:
            self._undo.pop()()

    def _listen(self, connection: Any) -> None:
        """Hear of a rollback by the driver itself, as far as it lets somebody listen."""
        raw = connection.connection.dbapi_connection
        if hasattr(raw, "set_trace_callback"):  # sqlite3
            raw.set_trace_callback(self._heard)
            self._undo.append(lambda: raw.set_trace_callback(None))
            return
        original = getattr(raw, "rollback", None)

        def rollback(*args: Any, **kwargs: Any) -> Any:
            self._rolled_back(connection)
            return original(*args, **kwargs) if original else None

        with suppress(AttributeError):  # one that takes no other methods
            raw.rollback = rollback
            self._undo.append(lambda: delattr(raw, "rollback"))

    def _heard(self, statement: str) -> None:
        if _ROLLBACK.match(statement):
            self._rolled_back(self._connection)

    @property
    def _mark(self) -> str:
        return f"{os.getpid()}-{self._number}"

    def _is_still_marked(self) -> bool:
        connection = self._connection
        try:
            found = _run(connection, "SELECT current_setting('ci_migrate.revision', true)")
        except connection.dialect.dbapi.Error:
            return True  # a transaction that is broken tells so by itself, at the version row
        return bool(found == self._mark)

    def _before(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if connection is not self._connection:
            return
        if _ROLLBACK.match(statement):
            self._rolled_back(connection)
        elif _WRITES.match(statement):
            self._has_written = True
        elif connection.dialect.name != "sqlite" and outlives_crash(connection, statement):
            self._has_written = False

    def _rolled_back(self, connection: Any) -> None:
        if connection is self._connection:
            self._is_seen |= self._has_written
            self._has_written = False


def _run(connection: Any, statement: str) -> Any:
    """Run a statement by the driver's cursor, which no listener hears; return its first value, if any."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    finally:
        cursor.close()
    return row[0] if row else None
