"""SIGINT and SIGTERM: the first becomes an exception, at a moment when somebody can keep what it stops.

Held in Python and not by a signal mask: a process-wide signal reaches any thread, and Python then runs the
handler in the main one, whatever that has masked.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ci_migrate.errors import InterruptedRunError

STOPS = (signal.SIGINT, signal.SIGTERM)


class _Listener:
    """What has been heard, and whether it may be told now."""

    def __init__(self) -> None:
        self.is_held = False
        self.waiting: int | None = None
        self.has_told = False

    def hear(self, number: int, _frame: FrameType | None) -> None:
        if self.has_told:
            return  # the run is ending already
        self.waiting = number
        self.tell()

    def tell(self) -> None:
        if self.waiting is None or self.is_held or self.has_told:
            return
        self.has_told = True
        name = signal.Signals(self.waiting).name
        raise InterruptedRunError(f"the run was stopped by {name}")


_listener = _Listener()


def listen_for_stops() -> None:
    """Raise InterruptedRunError for the first SIGINT or SIGTERM; the next ones find the run ending already."""
    for number in STOPS:
        # Never SIG_IGN: programs that are started later would inherit that.
        signal.signal(number, _listener.hear)


def forget_stops() -> None:
    """Take no stop any more: the run has ended and was reported."""
    _listener.has_told = True


@contextmanager
def held_stops() -> Iterator[None]:
    """Hold off a stop while a record is written; it is raised at the end."""
    with _set_hold(True):
        yield


@contextmanager
def taken_stops() -> Iterator[None]:
    """Take stops inside of `held_stops`, one that waits already at once."""
    with _set_hold(False):
        yield


@contextmanager
def _set_hold(is_held: bool) -> Iterator[None]:
    before, _listener.is_held = _listener.is_held, is_held
    try:
        _listener.tell()
        yield
    finally:
        _listener.is_held = before
        _listener.tell()
