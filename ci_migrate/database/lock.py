"""One run at a time in a database: advisory lock, GET_LOCK, or a lock file beside SQLite."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ci_migrate.database.engine import Database, Session
from ci_migrate.database.patience import ask_within
from ci_migrate.database.pooler import refuse_pooler
from ci_migrate.errors import (
    DatabaseFailedError,
    DatabaseUnreachableError,
    LockNotAcquiredError,
)

POLL_SECONDS = 0.5
FRESH_SECONDS = 0.2
"""How long an answer is good: a history of quick revisions must not ask before each."""
RELEASE_SECONDS = 2.0
TELL_EVERY_SECONDS = 15.0


class Lock:
    """The lock while it is held."""

    def __init__(self, session: Session | None, is_held: Callable[[], bool]) -> None:
        self.session = session
        """The connection that holds it; None for a lock file."""
        self._ask = is_held
        self._one_by_one = threading.Lock()
        self._asked = -FRESH_SECONDS

    def is_held(self) -> bool:
        """Return whether the lock is still ours, as of a moment ago; from any thread."""
        with self._one_by_one:
            if time.monotonic() - self._asked < FRESH_SECONDS:
                return True
            if not self._ask():
                return False
            self._asked = time.monotonic()
            return True


@contextmanager
def hold_lock(
    database: Database, *, scope: str, owner: str, wait: float, tell: Callable[[str], None]
) -> Iterator[Lock]:
    """Hold the lock of a database, waiting up to `wait` seconds for it.

    `scope` tells apart version tables of one database, `owner` is shown to those who wait, `tell` is
    called with the name of the holder while waiting. Polls, and never waits inside the server: a waiting
    advisory lock makes concurrent index builds fail.
    Raises LockNotAcquiredError.
    """
    if database.dialect == "sqlite":
        with _lock_file(database, owner, wait, tell) as lock:
            yield lock
        return
    take, holder, held, give = _STATEMENTS[database.dialect](scope)
    with database.session() as session:
        if database.dialect == "postgresql":
            session.run(refuse_pooler)
        _poll(
            lambda: bool(_scalar(session, take)),
            lambda: _describe(session, holder),
            wait=wait,
            tell=tell,
        )
        try:
            yield Lock(session, lambda: _is_held(session, held))
        finally:
            _release(session, give)


def _postgresql_statements(scope: str) -> tuple[str, str, str, str]:
    digest = hashlib.sha256(f"ci-migrate:{scope}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    match = (
        "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        f" AND ((l.classid::bigint << 32) | l.objid::bigint) = {key}"
    )
    holder = (
        "SELECT a.application_name || ', pid ' || a.pid || ', host '"
        " || coalesce(host(a.client_addr), 'local') || ', since '"
        " || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'"
        f" FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE {match}"
    )
    held = f"SELECT count(*) FROM pg_locks l WHERE {match} AND l.pid = pg_backend_pid()"
    return (
        f"SELECT pg_try_advisory_lock({key})",
        holder,
        held,
        f"SELECT pg_advisory_unlock({key})",
    )


def _mysql_statements(scope: str) -> tuple[str, str, str, str]:
    digest = hashlib.sha256(f"ci-migrate:{scope}".encode()).hexdigest()[:24]
    # Lock names are server-wide and at most 64 characters long: the database is part of the name.
    name = f"CONCAT('ci-migrate-{digest}-', LEFT(SHA1(DATABASE()), 20))"
    holder = (
        "SELECT CONCAT(p.user, '@', p.host, ', connection ', p.id, ', since ',"
        " DATE_SUB(UTC_TIMESTAMP(), INTERVAL p.time SECOND), ' UTC')"
        f" FROM information_schema.processlist p WHERE p.id = IS_USED_LOCK({name})"
    )
    return (
        f"SELECT GET_LOCK({name}, 0)",
        holder,
        f"SELECT IS_USED_LOCK({name}) = CONNECTION_ID()",
        f"SELECT RELEASE_LOCK({name})",
    )


_STATEMENTS = {"postgresql": _postgresql_statements, "mysql": _mysql_statements}


@contextmanager
def _lock_file(
    database: Database, owner: str, wait: float, tell: Callable[[str], None]
) -> Iterator[Lock]:
    path = Path(database.address.database + ".ci-migrate.lock")
    opened: list[int] = []

    def take() -> bool:
        descriptor = _open_and_lock(path)
        if descriptor is not None:
            opened.append(descriptor)
        return descriptor is not None

    _poll(take, lambda: _read_owner(path), wait=wait, tell=tell)
    descriptor = opened[0]
    try:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"owner": owner, "since": since}).encode(), 0)
        yield Lock(None, lambda: _is_same_file(descriptor, path))
    finally:
        if _is_same_file(descriptor, path):
            path.unlink()
        os.close(descriptor)


def _open_and_lock(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise DatabaseUnreachableError(
            f"cannot create the lock file {path}: {exc.strerror}",
            next_step="The folder of the SQLite database must exist and be writable.",
        ) from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    # The holder removes the file when it is done: a lock on a removed file protects nothing.
    if not _is_same_file(descriptor, path):
        os.close(descriptor)
        return None
    return descriptor


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read_owner(path: Path) -> str:
    try:
        found = json.loads(path.read_text("utf-8"))
        return f"{found['owner']}, since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run that has just begun or ended"


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
                f"another run holds the lock of this database ({holder()}); waited {waited:.0f} s",
                next_step="Let that run end and start this one again, or raise `lock_wait`.",
            )
        if told is None or waited - told >= TELL_EVERY_SECONDS:
            tell(f"waiting for the lock, held by {holder()}")
            told = waited
        time.sleep(min(POLL_SECONDS, max(0.0, wait - waited)))


def _describe(session: Session, statement: str) -> str:
    found = _scalar(session, statement)
    return str(found) if found else "another run that the server does not show to this role"


def _is_held(session: Session, statement: str) -> bool:
    try:
        return bool(_scalar(session, statement))
    except DatabaseFailedError:
        # The connection is gone, and with it the lock.
        return False


def _release(session: Session, statement: str) -> None:
    try:
        ask_within(RELEASE_SECONDS, lambda: _scalar(session, statement))
    except (DatabaseFailedError, DatabaseUnreachableError):
        # The connection is gone, and with it the lock, or will be when we end.
        return


def _scalar(session: Session, statement: str) -> object:
    return session.run(lambda connection: connection.exec_driver_sql(statement).scalar())
