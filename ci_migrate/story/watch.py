"""Watches a running upgrade from the side: what it waits for, who waits for it, and our lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ci_migrate.database.engine import Database, Session
from ci_migrate.database.lock import Lock
from ci_migrate.database.waiting import read_waiting
from ci_migrate.errors import CiMigrateError
from ci_migrate.migrations import Worker
from ci_migrate.observer import Observer
from ci_migrate.upgrade.report import UpgradeReport

LOOK_EVERY_SECONDS = 5.0
LOST_LOCK = (
    "the lock of the database was lost while the revisions ran: its connection was closed, by a restart of the"
    " server, or by a proxy or a timeout that closes idle ones (then give a direct URL in `lock_url`)"
)
OWN_SESSION = (
    " (a session of this project's own: if a revision left it open, the migration waits for itself)"
)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a watched upgrade is made of; `run` watches."""

    database: Database
    sign: str
    """The name that sessions of the project have on PostgreSQL."""
    worker: Worker
    report: UpgradeReport
    lock: Lock
    observer: Observer
    max_queue: int | None
    """Sessions that may wait behind the migration; None for any number."""
    cancel: Callable[[int], object]
    """Cancels the statement of the session with this number, and those of the project's others."""

    @contextmanager
    def run(self) -> Iterator[None]:
        """Look at the server every five seconds while the body runs.

        Tells the observer what the migration waits for. Stops it before its next revision when our lock
        is lost, and cancels its statement when more than `max_queue` sessions wait behind it.
        """
        over = threading.Event()
        with self.database.session() as session:
            thread = threading.Thread(
                target=self._look_until, args=(over, session), name="watch", daemon=True
            )
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join(timeout=LOOK_EVERY_SECONDS)

    def _look_until(self, over: threading.Event, session: Session) -> None:
        try:
            while not over.wait(LOOK_EVERY_SECONDS):
                self._look(session)
        except CiMigrateError as exc:
            self.observer.note(f"the server is not watched any more: {exc.message}")

    def _look(self, session: Session) -> None:
        if not self.lock.is_held():
            self.worker.send(do="stop", reason=LOST_LOCK)
        if self.report.server_id is None or self.database.dialect == "sqlite":
            return
        waiting = read_waiting(session, self.database.dialect, self.report.server_id)
        if waiting.description:
            behind = f"; {_count(waiting.queue)} behind us" if waiting.queue else ""
            own = OWN_SESSION if f"app={self.sign}," in waiting.description else ""
            self.observer.note(waiting.description + own + behind)
        if self.max_queue is not None and waiting.queue > self.max_queue:
            self._give_up(waiting.queue, self.report.server_id)

    def _give_up(self, queue: int, server_id: int) -> None:
        reason = f"{_count(queue)} behind the migration, more than `max_queue`"
        self.report.given_up = f"{reason} = {self.max_queue}"
        self.worker.send(do="stop", reason=reason)
        self.observer.warn(f"{self.report.given_up}: its statement is cancelled")
        self.cancel(server_id)


def _count(queue: int) -> str:
    return "1 session waits" if queue == 1 else f"{queue} sessions wait"
