"""Pipes between threads and programs: wide ones, and what is known of a thread at the other end."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import BinaryIO

from ci_migrate.backup.checksum import CHUNK_BYTES


def open_pipe() -> tuple[BinaryIO, BinaryIO]:
    """Return the reading and the writing end of a pipe, both unbuffered."""
    reader, writer = os.pipe()
    _widen(writer)
    return os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "wb", buffering=0)


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all bytes to an unbuffered file; raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def drain(file: BinaryIO) -> None:
    """Read to the end and forget it; raises OSError."""
    while file.read(CHUNK_BYTES):
        continue


class Companion:
    """A thread that does one thing and remembers how it ended."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.error: BaseException | None = None
        # A daemon: it may hang in a network call when this process is told to end.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self, seconds: float | None = None) -> None:
        """Wait for its end, at most some seconds; does not raise what it raised."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as exc:  # noqa: BLE001 - told by who waits for it
            self.error = exc


def _widen(descriptor: int) -> None:
    """Let a pipe hold as much as one chunk, where the system can: fewer switches between the two sides."""
    try:
        import fcntl
    except ImportError:
        return
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # the user's limit for pipes is used up
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, CHUNK_BYTES)
