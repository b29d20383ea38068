"""Threads in which drivers do their work: the main one only waits, and so hears a stop at once.

A driver that waits in C for its server hears no signal; and an exception out of a signal handler in the
middle of a driver's code would leave its connection in a state that nobody knows.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from concurrent import futures
from typing import Any, TypeVar

from ci_migrate.stops import wait_patiently

T = TypeVar("T")
CLOSE_SECONDS = 2.0
"""How long a connection may take to be closed; it ends with this process in any case."""


class DriverThread:
    """A thread for one connection of a driver that blocks."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._is_left = False
        threading.Thread(target=self._serve, name="driver", daemon=True).start()

    def call(self, work: Callable[[], T], seconds: float | None = None) -> T:
        """Return what `work` returns in the thread, or raise what it raises.

        Raises TimeoutError when it takes longer, and from then on.
        """
        if self._is_left:
            raise TimeoutError("it did not answer before")
        results: list[T] = []
        errors: list[BaseException] = []
        done = threading.Event()

        def job() -> None:
            try:
                results.append(work())
            except BaseException as exc:  # noqa: BLE001 - raised again below, in the thread that asked
                errors.append(exc)
            finally:
                done.set()

        self._jobs.put(job)
        self._is_left = True
        if done.wait(seconds):
            self._is_left = False
        else:
            raise TimeoutError(f"no answer for {seconds:g} s")
        if errors:
            raise errors[0]
        return results[0]

    def end(self, close: Callable[[], object]) -> None:
        """Close the connection and end the thread, but wait for neither when a stop has left its work."""
        done = threading.Event()

        def job() -> None:
            try:
                close()
            finally:
                done.set()

        self._jobs.put(job)
        self._jobs.put(None)
        if not self._is_left:
            wait_patiently(CLOSE_SECONDS, done.wait)

    def _serve(self) -> None:
        for job in iter(self._jobs.get, None):
            job()


class LoopThread:
    """An event loop in a thread, so that async drivers serve this synchronous program."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="async-driver", daemon=True).start()

    def call(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Return what a coroutine returns, or raise what it raises; a stop cancels it.

        Raises TimeoutError when it takes longer.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except BaseException as exc:
            is_late = isinstance(exc, futures.TimeoutError) and not future.done()
            future.cancel()
            if is_late:
                raise TimeoutError(f"no answer for {seconds:g} s") from None
            raise

    def end(self, close: Coroutine[Any, Any, object]) -> None:
        """Close a connection, and do not wait for long."""
        future = asyncio.run_coroutine_threadsafe(close, self._loop)
        done = threading.Event()
        future.add_done_callback(lambda _future: done.set())
        wait_patiently(CLOSE_SECONDS, done.wait)
