"""Looks from the side at the locks of a rehearsal, for those that its own session cannot tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ci_migrate.database.engine import Database, Session
from ci_migrate.database.locks_held import read_locks, shows_locks
from ci_migrate.errors import CiMigrateError
from ci_migrate.foreseen import LockSeen
from ci_migrate.upgrade.report import UpgradeReport

LOOK_EVERY_SECONDS = 0.01


@dataclass(kw_only=True)
class LockPoll:
    """The locks of a session, looked at a hundred times a second."""

    database: Database
    report: UpgradeReport
    tables: Collection[str]
    """Names of the tables that were there before; locks of others harm nobody."""
    shows: bool = False
    """Whether the server shows locks; known once `run` has been entered."""
    _spans: dict[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict)
    _held: dict[tuple[str, str], str] = field(default_factory=dict)
    """What the last look saw, and the revision that took each."""

    @contextmanager
    def run(self) -> Iterator[None]:
        """Look while the body runs."""
        over = threading.Event()
        with self.database.session() as session:
            self.shows = shows_locks(session, self.database.dialect)
            thread = threading.Thread(target=self._look_until, args=(over, session), daemon=True)
            if self.shows:
                thread.start()
            try:
                yield
            finally:
                over.set()
                if self.shows:
                    thread.join()

    def seen(self) -> tuple[LockSeen, ...]:
        """Return what was seen: a lock lasted at least from its first sight to its last."""
        return tuple(
            LockSeen(revision=revision, table=table, mode=mode, seconds=round(last - first, 4))
            for (revision, table, mode), (first, last) in self._spans.items()
        )

    def _look_until(self, over: threading.Event, session: Session) -> None:
        try:
            while not over.wait(LOOK_EVERY_SECONDS):
                self._look(session)
        except CiMigrateError:
            # The server is gone; the run itself hears of that, too.
            return

    def _look(self, session: Session) -> None:
        revision, number = self.report.running, self.report.server_id
        if revision is None or number is None:
            return
        now = time.monotonic()
        held = {
            lock: self._held.get(lock, revision)  # a lock stays that of the revision that took it
            for lock in read_locks(session, self.database.dialect, number)
            if lock[0] in self.tables
        }
        for (table, mode), taker in held.items():
            key = (taker, table, mode)
            self._spans[key] = (self._spans.get(key, (now, now))[0], now)
        self._held = held
