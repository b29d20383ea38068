"""JSON lines between parent and worker: commands in, events out, each on a descriptor of its own.

The worker's stdout and stderr belong to the user's code; nothing of the protocol is there.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

PARENT_IS_GONE = 70
"""Exit code of a worker whose parent ended without a word."""


class Channel:
    """The worker's end: reads commands in a thread, so that a parent that dies ends the worker too."""

    def __init__(self, commands: int, events: int) -> None:
        self._events = events
        self._lock = threading.Lock()
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue()
        os.set_inheritable(events, False)
        os.set_inheritable(commands, False)
        self._pid = os.getpid()
        self.cancel: Callable[[], object] = lambda: None
        """Called by the thread that reads commands, to stop a statement that is running."""
        self.is_cancelled = False
        """Whether the parent has asked for an end at once; the error that follows from it is no news."""
        self.stop_reason = ""
        """Why the parent wants no further revision to begin; empty while it does."""
        self._go = threading.Event()
        self._late = b""
        reader = threading.Thread(target=self._read, args=(commands,), name="commands", daemon=True)
        reader.start()

    def receive(self) -> dict[str, Any]:
        """Return the next command."""
        return self._queue.get()

    def send(self, event: str, **values: object) -> None:
        """Send one event; silent in a process that the user's code forked off."""
        if os.getpid() != self._pid:
            return
        self.send_late(event, **values)
        self.flush()

    def flush(self) -> None:
        """Send what `send_late` kept."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            view, self._late = memoryview(self._late), b""
            while view:
                view = view[os.write(self._events, view) :]

    def send_late(self, event: str, **values: object) -> None:
        """Send one event together with the next, which comes soon: each one wakes the parent."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._late += _line(event, values)

    def ask(self, event: str, **values: object) -> None:
        """Send one event and wait until the parent, having done what it calls for, says go."""
        if os.getpid() != self._pid:
            return
        self._go.clear()
        self.send(event, **values)
        self._go.wait()

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
            self._go.set()
        else:
            self._queue.put(command)


def _line(event: str, values: Mapping[str, object]) -> bytes:
    return json.dumps({"event": event, **values}, default=str).encode() + b"\n"
