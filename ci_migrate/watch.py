"""Watches a running upgrade from the side: what it waits for, who waits for it, and our lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ci_migrate.database.engine import Database, Session
from ci_migrate.database.lock import Lock
from ci_migrate.database.waiting import read_waiting
from ci_migrate.errors import CiMigrateError
from ci_migrate.migrations import Worker
from ci_migrate.observer import Observer
from ci_migrate.upgrade import UpgradeReport

LOOK_EVERY_SECONDS = 5.0
LOST_LOCK = (
    "the lock of the database was lost while the upgrade ran: no further revision was begun. A proxy or a"
    " timeout closes idle connections: give a direct URL in `lock_url`"
)


@contextmanager
def watch_upgrade(
    database: Database,
    *,
    worker: Worker,
    report: UpgradeReport,
    lock: Lock,
    observer: Observer,
    max_queue: int | None,
    cancel: Callable[[int], object],
) -> Iterator[None]:
    """Look at the server every five seconds while the body runs.

    Tells the observer what the migration waits for. Stops it before its next revision when our lock is
    lost, and cancels its statement when more than `max_queue` sessions wait behind it.
    """
    over = threading.Event()

    def look(session: Session) -> None:
        while not over.wait(LOOK_EVERY_SECONDS):
            if not lock.is_held():
                worker.send(do="stop", reason=LOST_LOCK)
            if report.server_id is None or database.dialect == "sqlite":
                continue
            waiting = read_waiting(session, database.dialect, report.server_id)
            if waiting.description:
                behind = f"; {waiting.queue} sessions wait behind us" if waiting.queue else ""
                observer.note(waiting.description + behind)
            if max_queue is not None and waiting.queue > max_queue:
                reason = (
                    f"{waiting.queue} sessions wait behind the migration, more than `max_queue`"
                )
                worker.send(do="stop", reason=reason)
                observer.warn(f"{reason} = {max_queue}: its statement is cancelled")
                cancel(report.server_id)

    def look_until_told(session: Session) -> None:
        try:
            look(session)
        except CiMigrateError as exc:
            observer.note(f"the server is not watched any more: {exc.message}")

    with database.session() as session:
        thread = threading.Thread(
            target=look_until_told, args=(session,), name="watch", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=LOOK_EVERY_SECONDS)
