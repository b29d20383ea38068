"""One run at a time in a database: advisory lock, GET_LOCK, or a lock file beside SQLite."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ci_migrate.database.engine import Database, Session
from ci_migrate.database.holder_sign import say_holder, shown_holder
from ci_migrate.database.lock_file import find_holder_of_file, hold_lock_file
from ci_migrate.database.lock_statements import (
    is_signed,
    mysql_statements,
    name_holder,
    postgresql_statements,
)
from ci_migrate.database.patience import ask_within
from ci_migrate.database.pooler import refuse_pooler
from ci_migrate.errors import (
    DatabaseFailedError,
    DatabaseUnreachableError,
    LockNotAcquiredError,
)

POLL_SECONDS = 0.5
RELEASE_SECONDS = 2.0
TELL_EVERY_SECONDS = 15.0
SIGN_SECONDS = 1.0
"""How long a holder may need to show its name after it took the lock."""
SIGN_POLL_SECONDS = 0.05
JUST_NOW = "another run that has just begun or ended"


class Lock:
    """The lock while it is held."""

    def __init__(self, session: Session | None, is_held: Callable[[], bool]) -> None:
        self.session = session
        """The connection that holds it; None for a lock file."""
        self._ask = is_held
        self._one_by_one = threading.Lock()

    def is_held(self) -> bool:
        """Return whether the lock is still ours; from any thread."""
        with self._one_by_one:
            return self._ask()


@contextmanager
def hold_lock(
    database: Database, *, owner: str, wait: float, tell: Callable[[str], None]
) -> Iterator[Lock]:
    """Hold the lock of a database, waiting up to `wait` seconds for it.

    `owner` is shown to those who wait, `tell` is called with the name of the holder while waiting. One lock for all
    projects of a database: each reads what it was like before and after, and backs up the whole of it. Polls, and never
    waits inside the server: a waiting advisory lock makes concurrent index builds fail.
    Raises LockNotAcquiredError.
    """
    poll = partial(_poll, wait=wait, tell=tell)
    if database.dialect == "sqlite":
        file = database.address.database
        with hold_lock_file(file, lambda: say_holder(owner), poll) as is_held:
            yield Lock(None, is_held)
        return
    is_postgresql = database.dialect == "postgresql"
    statements = postgresql_statements() if is_postgresql else mysql_statements()
    with database.session() as session:
        if is_postgresql:
            session.run(refuse_pooler)
        poll(
            lambda: bool(session.scalar(statements.take)),
            lambda: _describe(session, statements.holder),
        )
        try:
            if statements.remember:
                session.scalar(statements.remember)
            with shown_holder(database, session, owner) as comment:
                lock = Lock(session, lambda: _is_held(session, comment + statements.is_held))
                lock.is_held()  # who waits reads the comment of the last statement
                yield lock
        finally:
            _release(session, statements.give)


def find_holder(database: Database) -> str:
    """Return who holds the lock of a database at this moment, empty when nobody does or it is not to be seen."""
    if database.dialect == "sqlite":
        return find_holder_of_file(database.address.database, unsigned=JUST_NOW)
    is_postgresql = database.dialect == "postgresql"
    statements = postgresql_statements() if is_postgresql else mysql_statements()
    with database.session() as session:
        return _describe(session, statements.holder)


def _poll(
    take: Callable[[], bool],
    holder: Callable[[], str],
    *,
    wait: float,
    tell: Callable[[str], None],
) -> None:
    started = time.monotonic()
    told: float | None = None
    while not take():
        waited = time.monotonic() - started
        if waited >= wait:
            raise LockNotAcquiredError(
                f"another run holds the lock of this database ({holder() or JUST_NOW}); waited {waited:.0f} s",
                next_step="Let that run end and start this one again, or raise `lock_wait`.",
            )
        if told is None or waited - told >= TELL_EVERY_SECONDS:
            tell(f"waiting for the lock, held by {holder() or JUST_NOW}")
            told = waited
        time.sleep(min(POLL_SECONDS, max(0.0, wait - waited)))


def _describe(session: Session, statement: str) -> str:
    """Return who holds the lock; a holder that took it this moment is given time to show its name."""
    over = time.monotonic() + SIGN_SECONDS
    while True:
        row = session.run(lambda connection: connection.exec_driver_sql(statement).first())
        if row is None:
            return ""
        if is_signed(row[0]) or time.monotonic() >= over:
            return name_holder(row[0], row[1])
        time.sleep(SIGN_POLL_SECONDS)


def _is_held(session: Session, statement: str) -> bool:
    try:
        return bool(session.scalar(statement))
    except DatabaseFailedError:
        # The connection is gone, and with it the lock.
        return False


def _release(session: Session, statement: str) -> None:
    try:
        ask_within(RELEASE_SECONDS, lambda: session.scalar(statement))
    except (DatabaseFailedError, DatabaseUnreachableError):
        # The connection is gone, and with it the lock, or will be when we end.
        return
