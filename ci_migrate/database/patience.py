"""Questions to a server that may not answer any more, asked for a limited time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ci_migrate.errors import DatabaseUnreachableError
from ci_migrate.stops import wait_patiently

T = TypeVar("T")


def ask_within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises.

    Raises DatabaseUnreachableError when it takes longer, or when the run has been told to stop and no time
    is left; it then goes on in a thread that ends with us.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as exc:  # noqa: BLE001 - raised again below, in the thread that asked
            errors.append(exc)

    thread = threading.Thread(target=run, name="limited", daemon=True)
    thread.start()
    started = time.monotonic()
    wait_patiently(seconds, lambda piece: _has_ended(thread, piece))
    if errors:
        raise errors[0]
    if not results:
        waited = time.monotonic() - started
        raise DatabaseUnreachableError(f"the server did not answer within {waited:.0f} s")
    return results[0]


def _has_ended(thread: threading.Thread, seconds: float) -> bool:
    thread.join(seconds)
    return not thread.is_alive()
