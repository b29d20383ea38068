"""What a revision does, seen from outside: its statements, and where it failed."""

from __future__ import annotations

import os
import re
import traceback
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from ci_migrate.redact import without_row_data
from ci_migrate.worker.lasting import (
    find_unprotected,
    is_in_transaction,
    lasts_at_once,
    outlives_crash,
)
from ci_migrate.worker.protocol import Channel

_PACKAGE = str(Path(__file__).resolve().parent.parent)
_STANDARD = str(Path(os.__file__).resolve().parent)
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\](\w+)")
_READS = re.compile(r"\s*(?:SELECT|SHOW|EXPLAIN|DESCRIBE|PRAGMA|SET)\b", re.IGNORECASE)
_MAKES_TABLE = re.compile(r"\bENGINE\b|\bCREATE\s+TABLE\b", re.IGNORECASE)
_ON_THE_WAY = {"alembic", "flask", "flask_migrate", "sqlalchemy"}
"""Packages whose frames lead to the code of every project."""
MYSQL_LOCK_WAIT = 1205
LONGEST_STATEMENT = 8_000
"""Characters of a statement that are sent; parameters never are. More than are shown: the parent takes
secrets out first, and would not know one that is cut through."""
MOST_HELD = 1_000
"""Statements of a revision that are remembered until it is known whether somebody needs them."""


class StatementCapture:
    """Takes each statement that runs on the engines it is attached to while a revision is running.

    Those of a revision that is not atomic are sent one by one. Of the others nothing stays when they fail:
    they are held back, and `release` sends them after a failure.
    """

    def __init__(self, channel: Channel, *, tells_all: bool = False) -> None:
        self._channel = channel
        self._tells_all = tells_all  # in a rehearsal all are counted
        self.revision: str | None = None
        self.last_statement: str | None = None
        self.failures = 0
        """Statements of the revision that failed, whatever became of their errors."""
        self.first_failure = ""
        self.has_lasted = False
        """Whether a revision that was taken for atomic did something that no rollback takes back."""
        self.works_elsewhere = False
        """Whether the revision ran a statement on another connection than env.py's."""
        self._connection: Any = None
        self._unprotected: frozenset[str] = frozenset()
        self._knows_tables = False
        self._is_atomic = True
        self._awaits_commit = False
        self._is_running = False
        self._written: set[int] = set()
        self._held: deque[str] = deque(maxlen=MOST_HELD)

    def begin(self, revision: str, *, is_atomic: bool) -> None:
        """Take what follows as this revision's."""
        self.revision = revision
        self._is_atomic, self._awaits_commit = is_atomic, False
        self.failures, self.first_failure = 0, ""
        self.works_elsewhere = self.has_lasted = False
        self._is_running, self._written = False, set()
        self._held.clear()

    def release(self) -> None:
        """Send what was held back of the revision that began last."""
        while self._held:
            statement = self._held.popleft()[:LONGEST_STATEMENT]
            self._channel.send_quietly("statement", statement=statement)

    def look_at_tables(self, connection: Any) -> None:
        """See which tables of the database take rows that no rollback takes back; again after one may have changed."""
        if self._knows_tables or connection is None:
            return
        self._unprotected, self._knows_tables = find_unprotected(connection), True

    def note_lasting(self, connection: Any, what: str) -> None:
        """Take what the revision is about to do by the driver alone, and what lasts."""
        if self.revision is None or self._is_running:
            return
        self._leave_transaction()
        self._announce(connection, what)
        self._channel.send("statement", statement=what[:LONGEST_STATEMENT])

    def attach(self, connection: Any) -> None:
        """Listen to every engine of this process, those that a revision makes too; `connection` is env.py's."""
        self._connection = connection
        if not event.contains(Engine, "before_cursor_execute", self._before):
            event.listen(Engine, "before_cursor_execute", self._before)
            event.listen(Engine, "after_cursor_execute", self._after)
            event.listen(Engine, "handle_error", self._fail)
            event.listen(Engine, "commit", self._before_commit)

    def _before(self, connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if self.revision is None:
            return
        self.last_statement, self._is_running = statement, True
        if connection.dialect.name != "postgresql" and _MAKES_TABLE.search(statement):
            self._knows_tables = False
        if not _READS.match(statement):
            self._written.add(_number_of(connection))
            self.works_elsewhere |= not self._is_ours(connection)
        if self._is_atomic:
            if not lasts_at_once(connection, statement, self._unprotected):
                return
            self._leave_transaction()
        if outlives_crash(connection, statement, self._unprotected):
            self._announce(connection, statement)
        else:
            self._awaits_commit = True

    def _leave_transaction(self) -> None:
        """Take a revision for what its text did not tell, as of a helper in another file: from here on all is sent."""
        self.has_lasted, self._is_atomic = True, False
        self.release()

    def _is_ours(self, connection: Any) -> bool:
        """Return whether a connection is env.py's; SQLAlchemy 1.4 has several objects for one."""
        ours = self._connection
        if connection is ours or ours is None or ours.closed or ours.invalidated:
            return True
        same = connection.connection.dbapi_connection is ours.connection.dbapi_connection
        return bool(same)

    def _before_commit(self, connection: Any) -> None:
        if self.revision is None:
            return
        if _number_of(connection) not in self._written:
            return  # what it ends has only read
        if self._is_atomic:
            self._leave_transaction()
        elif not self._awaits_commit:
            return
        self._announce(connection, "COMMIT")

    def _announce(self, connection: Any, statement: str) -> None:
        # The parent writes down what is about to last before it lasts; not in a file that we have locked ourselves.
        self._awaits_commit = False
        is_locked = connection.dialect.name == "sqlite" and is_in_transaction(connection)
        statement = statement[:LONGEST_STATEMENT]
        self._channel.ask("statement_begins", statement=statement, is_locked=is_locked)

    def _after(self, _conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self._is_running = False
        if self.revision is not None:
            self.last_statement = None
            if self._is_atomic and not self._tells_all:
                self._held.append(statement)
                return
            self._channel.send("statement", statement=statement[:LONGEST_STATEMENT])

    def _fail(self, context: Any) -> None:
        self._is_running = False
        if self.revision is None:
            return
        self.failures += 1
        error = context.original_exception
        said = f"{type(error).__name__}: {without_row_data(str(error))}"
        self.first_failure = self.first_failure or said


def _number_of(connection: Any) -> int:
    """Return what tells connections apart; SQLAlchemy 1.4 has several objects for one."""
    return id(connection.connection.dbapi_connection)


def describe_exception(error: BaseException, revision_file: str | None) -> dict[str, Any]:
    """Return an exception as plain values: class, message without row data, statement, file and line.

    File and line are of the innermost frame in the revision's own file, else of the innermost frame.
    """
    original = getattr(error, "orig", None)
    message = str(original if original is not None else error)
    if isinstance(error, SystemExit):
        message = f"it called exit({error.code!r})"
    file, line = _place(error, revision_file)
    statement = getattr(error, "statement", None)
    return {
        "type": type(original if original is not None else error).__name__,
        "message": without_row_data(message),
        "statement": statement[:LONGEST_STATEMENT] if isinstance(statement, str) else None,
        "file": file,
        "line": line,
        "is_lock_timeout": _is_lock_timeout(original),
    }


def format_traceback(error: BaseException) -> str:
    """Return the traceback without row data, and without the frames of libraries and of ours."""
    told = traceback.TracebackException.from_exception(error)
    own = _own_frames(told.stack)
    if own:
        told.stack = traceback.StackSummary.from_list(own)
    # What led to it says the same once more: the drivers' error below SQLAlchemy's.
    lines = told.format(chain=not hasattr(error, "orig"))
    return without_row_data("".join(lines))


def _own_frames(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Return the frames of the project: in its own folders, else in the packages that it runs from."""
    own, installed = [], []
    for frame in frames:
        file = frame.filename
        package = _INSTALLED.search(file)
        if file.startswith((_PACKAGE, "<")) or (package and package[1] in _ON_THE_WAY):
            continue
        if package:
            installed.append(frame)
        elif not os.path.realpath(file).startswith(_STANDARD):
            own.append(frame)
    return own or installed


def _place(error: BaseException, revision_file: str | None) -> tuple[str | None, int | None]:
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    wanted = os.path.realpath(revision_file) if revision_file else None
    own = [frame for frame in frames if wanted and os.path.realpath(frame.filename) == wanted]
    found = own or _own_frames(frames)
    return (found[-1].filename, found[-1].lineno) if found else (None, None)


def _is_lock_timeout(original: Any) -> bool:
    """Return whether a driver's error says that a lock was not to be had in time."""
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    number = original.args[0] if getattr(original, "args", ()) else None
    return state == "55P03" or number == MYSQL_LOCK_WAIT or "database is locked" in str(original)
