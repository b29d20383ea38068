"""Whether a revision ended the transaction in which it runs, and so lost or kept what it had done."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from ci_migrate.sql_words import split_statements
from ci_migrate.worker.lasting import is_autocommit, is_in_transaction, outlives_crash, passes
from ci_migrate.worker.unheard import run_unheard

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

_ROLLBACK = re.compile(r"\s*(?:ROLLBACK|ABORT)\b(?!.*\bTO\b)", re.IGNORECASE | re.DOTALL)
_COMMIT = re.compile(r"\s*(?:COMMIT|END)\b", re.IGNORECASE)
_WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|MERGE|WITH|CALL|LOAD)\b", re.IGNORECASE)
_FIRST_WORDS = re.compile(r"[A-Za-z]+(?:\s+\w+){0,2}")
_INSTEAD = (
    "leave the transaction to Alembic, take back a statement that may fail with a SAVEPOINT"
    " (op.get_bind().begin_nested()), and put what needs no transaction into"
    " `with op.get_context().autocommit_block():`"
)


class OwnTransactionError(Exception):
    """A revision ended its own transaction, so that its version row would not tell what is in the database."""


class TransactionWatch:
    """Looks for the end of a transaction between the begin and the end of a revision's code.

    PostgreSQL itself tells it: a setting of the session that is set in a transaction is lost with it, and stays when
    that is committed. Elsewhere it is seen as a statement or a call of the driver; there a rollback counts after rows
    were written that no change of the schema has committed since.
    """

    def __init__(self, note_lasting: Callable[[Any, str], None]) -> None:
        """Make a watch; `note_lasting` is told what the driver alone is about to do to last, with the connection."""
        self._note_lasting = note_lasting
        self._number = 0
        self._connection: Any = None
        self._transaction: Any = None
        self._is_marked = False
        self._has_written = False
        self._rolled_back = False
        self._committed = False
        self._undo: list[Callable[[], object]] = []

    def attach(self, engine: Any) -> None:
        """Listen to an engine; a second call for the same engine does nothing."""
        if engine.dialect.name != "postgresql" and not event.contains(
            engine, "before_cursor_execute", self._before
        ):
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "rollback", self._note_rollback)
            event.listen(engine, "commit", self._note_commit)

    def begin(self, context: MigrationContext, *, is_plain: bool = False) -> None:
        """Note that a revision begins; one that is plain costs PostgreSQL no question."""
        connection = self._connection = context.connection
        self._transaction = getattr(context, "_transaction", None)
        self._has_written = self._rolled_back = self._committed = False
        self._number += 1
        is_postgresql = connection is not None and connection.dialect.name == "postgresql"
        self._is_marked = is_postgresql and not is_plain
        if is_postgresql and is_plain:
            return
        if self._is_marked:
            run_unheard(connection, f"SET ci_migrate.revision = '{self._mark}'")
        elif connection is not None:
            self._listen(connection)

    def end(self, context: MigrationContext) -> None:
        """Raise OwnTransactionError when the version row of the revision would claim what is not so."""
        if self._rolled_back or (self._is_marked and not self._is_still_marked()):
            raise OwnTransactionError(
                f"the revision rolled its transaction back, so what it had done before is gone; {_INSTEAD}"
            )
        now = getattr(context, "_transaction", None)
        has_ended = now is self._transaction and now is not None and not now.is_active
        # Where each statement is committed by itself nothing hangs on SQLAlchemy's transaction, nor does the row.
        if has_ended and not is_autocommit(context.connection):
            raise OwnTransactionError(
                f"the revision committed its transaction itself, so its version row would be lost; {_INSTEAD}"
            )

    def has_committed(self) -> bool:
        """Return, after a revision failed, whether something of it was committed before.

        Its transaction is over then, whoever catches the exception.
        """
        if not self._is_marked:
            return self._committed
        connection = self._connection
        with suppress(connection.dialect.dbapi.Error):  # one that is lost tells nothing
            raw = connection.connection.dbapi_connection
            raw.rollback()
            is_kept = self._is_still_marked()
            raw.rollback()
            return is_kept
        return False

    def forget(self) -> None:
        """Leave the driver's connection as it was."""
        while self._undo:
            self._undo.pop()()

    @property
    def _mark(self) -> str:
        return f"{os.getpid()}-{self._number}"

    def _is_still_marked(self) -> bool:
        connection = self._connection
        try:
            found = run_unheard(connection, "SELECT current_setting('ci_migrate.revision', true)")
        except connection.dialect.dbapi.Error:
            return True  # a transaction that is broken tells so by itself, at the version row
        return bool(found == self._mark)

    def _listen(self, connection: Any) -> None:
        """Hear of an end by the driver itself, as far as it lets somebody listen."""
        raw = connection.connection.dbapi_connection
        if hasattr(raw, "set_trace_callback"):  # sqlite3
            raw.set_trace_callback(self._hear_driver)
            self._undo.append(lambda: raw.set_trace_callback(None))
            return
        for name, note in (("rollback", self._note_rollback), ("commit", self._commit_by_driver)):
            with suppress(AttributeError):  # one that takes no other methods
                setattr(raw, name, _heard(getattr(raw, name), note, connection))
                self._undo.append(lambda name=name: delattr(raw, name))  # type: ignore[misc]

    def _before(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if connection is not self._connection:
            return
        for part in split_statements(statement):
            if _WRITES.match(part):
                stays = is_autocommit(connection)
                self._committed |= stays
                self._has_written |= not stays
            elif _ROLLBACK.match(part) or _COMMIT.match(part):
                self._hear(part)
            elif connection.dialect.name != "sqlite" and outlives_crash(connection, part):
                self._committed |= self._has_written
                self._has_written = False

    def _hear_driver(self, statement: str) -> None:
        """Hear what SQLite is about to run, also what never came through SQLAlchemy (`executescript`)."""
        if _ROLLBACK.match(statement):
            self._note_rollback(self._connection)
        elif _COMMIT.match(statement):
            self._commit_by_driver(self._connection)
        elif not passes(statement) and not is_in_transaction(self._connection):
            # Without the values, which the driver has put into the text.
            words = _FIRST_WORDS.match(next(split_statements(statement), ""))
            self._note_lasting(self._connection, f"{words[0] if words else 'a statement'} …")

    def _hear(self, statement: str) -> None:
        if _ROLLBACK.match(statement):
            self._note_rollback(self._connection)
        elif _COMMIT.match(statement):
            self._note_commit(self._connection)

    def _note_rollback(self, connection: Any) -> None:
        if connection is self._connection:
            self._rolled_back |= self._has_written
            self._has_written = False

    def _commit_by_driver(self, connection: Any) -> None:
        if self._has_written:
            self._note_lasting(connection, "COMMIT")
        self._note_commit(connection)

    def _note_commit(self, connection: Any) -> None:
        if connection is self._connection:
            self._committed |= self._has_written
            self._has_written = False


def _heard(
    method: Callable[..., Any], note: Callable[[Any], None], connection: Any
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        note(connection)
        return method(*args, **kwargs)

    return call
