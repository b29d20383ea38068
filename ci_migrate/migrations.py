"""The parent's side of the worker: start it, ask it, hear it, end it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ci_migrate.errors import WorkerError
from ci_migrate.process import read_lines, start_child, wait_or_stop
from ci_migrate.stops import held_stops

Event = Mapping[str, Any]
# Not `-m ci_migrate.worker`: that looks in the working directory first, where the project may have a
# folder or a file called like this package or like one of our imports.
START = "import sys; sys.path[:1] == [''] and sys.path.pop(0); from ci_migrate.worker.start import start; start()"
RELAY_SECONDS = 0.05
"""How late a line that the project prints may be shown."""
LOOK_SECONDS = 0.1
"""How late an event may be read for which the worker does not ring."""
CLOSED = "the project's process has closed the descriptors by which ci-migrate hears it"
WAY_IS_CLOSED = 70
"""Exit code of a worker that could not speak to us any more."""
END_SECONDS = 2.0
"""How long a worker that has closed the way to us may take to end by itself."""
INTERRUPT_SECONDS = 4.0
"""How long the worker may take to roll back after SIGINT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What the worker needs to load a project; sent over its pipe, never as arguments."""

    kind: str
    config_file: str | None
    toml_file: str | None
    section: str
    script_location: str | None
    flask_app: str | None
    directory: str | None
    url: str
    x: tuple[str, ...]
    path: tuple[str, ...]
    setup: str | None
    per_revision: bool
    connection_check: bool
    """Whether the server can look if its client is still there."""
    lock_timeout: float
    """Seconds; 0 leaves the server's own setting."""
    statement_timeout: float
    """Seconds; 0 leaves the server's own setting."""
    command: str = "upgrade"
    """What env.py sees as Alembic's command: `upgrade` or `downgrade`."""
    reads_locks: bool = False
    """Whether to tell which locks the revisions take: only in a rehearsal, it costs a query a statement."""
    target: str = "heads"
    version_locations: tuple[str, ...] = ()
    """Folders with further revisions, such as files that the branch has no more."""
    replaces_versions: bool = False
    """Whether only those folders count, and not the project's own."""


def _wait_on() -> None:
    """Wait for as long as it takes."""


class Worker:
    """A running worker; use `start_worker`."""

    def __init__(self, env: Mapping[str, str], root: Path, hear: Callable[[str], None]) -> None:
        command_reader, self._commands = os.pipe()
        self._events, event_writer = os.pipe()
        self._bell, bell_rope = os.pipe()
        os.set_blocking(self._events, False)
        given = (command_reader, event_writer, bell_rope)
        self._process = start_child(
            [sys.executable, "-c", START, *map(str, given)],
            env={**env, "PYTHONUNBUFFERED": "1"},
            cwd=root,
            pass_fds=given,
        )
        for descriptor in given:
            os.close(descriptor)
        self._buffer = b""
        self._is_over = threading.Event()
        self._relay = threading.Thread(target=self._relay_output, args=(hear,), daemon=True)
        self._relay.start()

    def load(self, settings: WorkerSettings) -> None:
        """Let the worker load the project; before that it knows nothing of it, and runs nothing of it."""
        self.send(**asdict(settings))

    def send(self, **command: object) -> None:
        """Send one command; a worker that is gone is noticed when its events end."""
        data = json.dumps(command).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._commands, data) :]
        except BrokenPipeError:
            return

    def events(self, *until: str, while_silent: Callable[[], object] = _wait_on) -> Iterator[Event]:
        """Yield events up to and including one named in `until`.

        `while_silent` is called several times a second while nothing is said; what it raises ends the wait.
        Raises WorkerError when the worker ends without it.
        """
        for event in self._read(while_silent):
            yield event
            if event["event"] in until:
                return
        # One that lives is not heard any more: what it does would be neither watched nor recorded.
        ended = wait_or_stop(self._process, END_SECONDS)
        raise WorkerError(
            _how_it_ended(self._process.wait()) if ended else f"{CLOSED}; it was stopped"
        )

    def rest(self) -> Iterator[Event]:
        """Yield what a worker that has ended had still said."""
        yield from self._read(_wait_on)

    def interrupt(self) -> None:
        """Make the worker stop what it does and roll back: SIGINT, then SIGTERM, then SIGKILL."""
        if self._process.poll() is None:
            self.send(do="cancel")
            self._process.send_signal(signal.SIGINT)
            wait_or_stop(self._process, INTERRUPT_SECONDS)

    def end(self) -> None:
        """End the worker: closing its commands makes it leave at once."""
        self.send(do="end")
        os.close(self._commands)
        wait_or_stop(self._process, INTERRUPT_SECONDS)
        os.close(self._events)
        os.close(self._bell)
        self._is_over.set()
        self._relay.join(timeout=1)

    def _read(self, while_silent: Callable[[], object]) -> Iterator[Event]:
        for line in self._lines(while_silent):
            try:
                event = json.loads(line)
            except ValueError:
                return  # it writes where it was not asked to: as if it had closed the way
            yield event

    def _lines(self, while_silent: Callable[[], object]) -> Iterator[bytes]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                while b"\n" in self._buffer:
                    line, self._buffer = self._buffer.split(b"\n", 1)
                    yield line
                # A process that the project forked off may hold the pipes open after the worker's end.
                has_ended = self._process.poll() is not None
                data = self._read_events()
                if data:
                    self._buffer += data
                elif has_ended or data is not None:
                    return
                elif not self._hears_bell(selector):
                    while_silent()

    def _hears_bell(self, selector: selectors.BaseSelector) -> bool:
        """Wait until the worker rings, and return whether it did."""
        if not selector.select(timeout=LOOK_SECONDS):
            return False
        if not os.read(self._bell, 4096):
            selector.unregister(self._bell)  # nobody is left to ring it
        return True

    def _read_events(self) -> bytes | None:
        """Return what was sent; None when that is nothing yet, empty when nobody is left to send more."""
        try:
            return os.read(self._events, 65536)
        except BlockingIOError:
            return None

    def _relay_output(self, hear: Callable[[str], None]) -> None:
        for line in read_lines(self._process, pause=lambda: self._is_over.wait(RELAY_SECONDS)):
            hear(line)


@contextmanager
def start_worker(
    *,
    env: Mapping[str, str],
    root: Path,
    hear: Callable[[str], None],
) -> Iterator[Worker]:
    """Start a worker in `root` with the environment `env` and end it on leaving; it waits for `load`.

    `hear` gets each line that the project prints. When the body is left by an exception, the worker is
    interrupted first so that it rolls back. A stop that comes while it starts or ends is held until that is
    over: nobody else would end it.
    """
    worker = None
    try:
        with held_stops():
            worker = Worker(env, root, hear)
        yield worker
    except BaseException:
        with held_stops():
            if worker is not None:
                worker.interrupt()
        raise
    finally:
        with held_stops():
            if worker is not None:
                worker.end()


def _how_it_ended(code: int) -> str:
    if code == WAY_IS_CLOSED:
        return CLOSED
    if code < 0:
        return f"the project's process was killed by {signal.Signals(-code).name}"
    return f"the project's process ended by itself with exit code {code}"
