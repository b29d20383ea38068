"""SIGINT and SIGTERM: the first becomes an exception, at a moment when somebody can keep what it stops.

Held in Python and not by a signal mask: a process-wide signal reaches any thread, and Python then runs the
handler in the main one, whatever that has masked.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from ci_migrate.errors import InterruptedRunError

STOPS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 6.5
"""What all waiting may take from the first stop on, in sum: a runner kills what goes on for 10 seconds."""
HURRIED_SECONDS = 1.0
"""The same from the second stop on."""
LEAST_SECONDS = 0.7
"""What each wait gets, however late it is: enough for a server that answers."""
PIECE_SECONDS = 0.05


class _Listener:
    """What has been heard, and whether it may be told now."""

    def __init__(self) -> None:
        self.is_held = False
        self.waiting: int | None = None
        self.has_told = False
        self.reason: InterruptedRunError | None = None
        """Why the run stops itself; None for a signal from outside."""
        self.until = float("inf")
        """When the waiting has to be over."""

    def hear(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.waiting is not None:
            # The run is ending already: it has only to hurry.
            self.until = min(self.until, now + HURRIED_SECONDS)
            return
        self.until = now + PATIENCE_SECONDS
        self.waiting = number
        self.tell()

    def tell(self) -> None:
        if self.waiting is None or self.is_held or self.has_told:
            return
        self.has_told = True
        if self.reason is not None:
            raise self.reason
        name = signal.Signals(self.waiting).name
        raise InterruptedRunError(f"the run was stopped by {name}")


_listener = _Listener()


class Hold:
    """A hold on stops that is in force."""

    def __init__(self, *, was_held: bool) -> None:
        self._was_held = was_held

    def lifted(self) -> AbstractContextManager[None]:
        """Return a context in which stops are taken if they were before this hold."""
        return _set_hold(self._was_held)


def listen_for_stops() -> None:
    """Hear SIGINT and SIGTERM from now on, and hold them until somebody takes them."""
    _listener.is_held = True
    for number in STOPS:
        # Never SIG_IGN while programs may be started: they would inherit that.
        signal.signal(number, _listener.hear)


def stop_because(reason: InterruptedRunError) -> None:
    """Stop the run with this reason, in the way of a signal from outside; from any thread."""
    main = threading.main_thread().ident
    if main is not None and signal.getsignal(signal.SIGTERM) == _listener.hear:
        _listener.reason = reason
        signal.pthread_kill(main, signal.SIGTERM)


def forget_stops() -> None:
    """Take no stop any more: the run has ended and was reported."""
    _listener.has_told = True


def ignore_stops() -> None:
    """Let no signal change the exit code any more; for the last moments of the process."""
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held_stops() -> Iterator[Hold]:
    """Hold off a stop while a record is written; it is raised at the end."""
    was_held = _listener.is_held
    with _set_hold(True):
        yield Hold(was_held=was_held)


@contextmanager
def taken_stops() -> Iterator[None]:
    """Take stops inside of `held_stops`, one that waits already at once."""
    with _set_hold(False):
        yield


def wait_patiently(seconds: float, wait: Callable[[float], bool]) -> bool:
    """Wait until `wait`, called with the seconds of one piece, says True; return whether it did.

    A stop shortens what is left of `seconds`, a second one still more.
    """
    started = time.monotonic()
    while True:
        limit = min(started + seconds, max(_listener.until, started + LEAST_SECONDS))
        left = limit - time.monotonic()
        if wait(max(0.0, min(left, PIECE_SECONDS))):
            return True
        if left <= 0:
            return False


@contextmanager
def _set_hold(is_held: bool) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # no stop is ever raised there
        return
    before, _listener.is_held = _listener.is_held, is_held
    try:
        _listener.tell()
        yield
    finally:
        _listener.is_held = before
        _listener.tell()
