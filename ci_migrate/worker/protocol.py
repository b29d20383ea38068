"""JSON lines between parent and worker: commands in, events out, each on a descriptor of its own.

The worker's stdout and stderr belong to the user's code; nothing of the protocol is there.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

PARENT_IS_GONE = 70
"""Exit code of a worker whose parent ended without a word, or that cannot speak to it any more."""
QUESTIONS = ("next", "statement_begins")
"""Events to which the parent answers `go`: may another revision begin, and may this statement run."""


class Channel:
    """The worker's end: reads commands in a thread, so that a parent that dies ends the worker too."""

    def __init__(self, commands: int, events: int, bell: int) -> None:
        """Take over three descriptors; a byte on `bell` tells that there are events to be read at once."""
        self._events, self._bell = events, bell
        self._pipes = {descriptor: _identity(descriptor) for descriptor in (events, bell)}
        self._lock = threading.Lock()
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue()
        for descriptor in (commands, events, bell):
            os.set_inheritable(descriptor, False)
        self._pid = os.getpid()
        self.cancel: Callable[[], object] = lambda: None
        """Called by the thread that reads commands, to stop a statement that is running."""
        self.is_cancelled = False
        """Whether the parent has asked for an end at once; the error that follows from it is no news."""
        self.stop_reason = ""
        """Why the parent wants no further revision to begin; empty while it does."""
        self._answers = {question: threading.Event() for question in QUESTIONS}
        reader = threading.Thread(target=self._read, args=(commands,), name="commands", daemon=True)
        reader.start()

    def take_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Take SIGINT, which only the parent sends: what it says of that may be read a moment later."""
        self.is_cancelled = True
        signal.default_int_handler(number, frame)

    def receive(self) -> dict[str, Any]:
        """Return the next command."""
        return self._queue.get()

    def send(self, event: str, **values: object) -> None:
        """Send one event and let the parent read it at once."""
        self.send_quietly(event, **values)
        if os.getpid() == self._pid:
            self._write(self._bell, b".")

    def send_quietly(self, event: str, **values: object) -> None:
        """Send one event that the parent may read a moment later: to wake it takes longer than to write.

        Silent in a process that the user's code forked off.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._write(self._events, _line(event, values))

    def _write(self, descriptor: int, data: bytes) -> None:
        """Write to the parent; end this process where the user's code has closed the way to it.

        Its number may be that of a file of the project's by now. What goes on then is watched by nobody.
        """
        view = memoryview(data)
        try:
            while view:
                if _identity(descriptor) != self._pipes[descriptor]:
                    os._exit(PARENT_IS_GONE)
                view = view[os.write(descriptor, view) :]
        except OSError:
            os._exit(PARENT_IS_GONE)

    def ask(self, question: str, **values: object) -> None:
        """Ask and wait until the parent, having done what the question calls for, says go."""
        self.send_question(question, **values)
        self.has_answer(question, wait=True)

    def send_question(self, question: str, **values: object) -> None:
        """Ask one of `QUESTIONS`, and go on meanwhile."""
        self._answers[question].clear()
        self.send(question, **values)

    def has_answer(self, question: str, *, wait: bool) -> bool:
        """Return whether the question that was sent last was answered; a process that was forked off has all."""
        if os.getpid() != self._pid:
            return True
        return self._answers[question].wait(None if wait else 0)

    def _read(self, commands: int) -> None:
        try:
            with open(commands, encoding="utf-8") as lines:
                for line in lines:
                    self._take(json.loads(line))
        finally:
            # End of file: the parent is gone, whatever the user's code is doing. Work that nobody
            # watches, locks or verifies must not go on.
            os._exit(PARENT_IS_GONE)

    def _take(self, command: dict[str, Any]) -> None:
        if command.get("do") == "cancel":
            self.is_cancelled = True
            self.cancel()
        elif command.get("do") == "stop":
            self.stop_reason = command["reason"]
        elif command.get("do") == "go":
            self._answers[command["to"]].set()
        else:
            self._queue.put(command)


def _line(event: str, values: Mapping[str, object]) -> bytes:
    return json.dumps({"event": event, **values}, default=str).encode() + b"\n"


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
