"""A command of the user's own: run to its end within a limit, heard meanwhile, stopped with us."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ci_migrate.errors import ProcessError
from ci_migrate.process import Child, Completed, ends_within, read_lines, start_child, stop
from ci_migrate.stops import held_stops

MOST_BYTES = 64 << 10
"""What is read of a command's standard output."""
MOST_LINES = 50
LISTEN_SECONDS = 1.0
"""How long the last words may take; what a command left running keeps its output open for longer."""


def run_and_hear(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    timeout: float | None,
    hear: Callable[[str], None],
) -> Completed:
    """Run a command and return what it printed; each line of its standard error is heard at once.

    `timeout` is in seconds. The command, and what it started, is ended with us. What it leaves running in the
    background is not waited for. Raises ProcessError when it cannot be started, fails, or takes longer.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        # A stop between the start and the wait would leave a program behind that nobody ends.
        with held_stops() as hold:
            process = start_child(argv, env=env, cwd=cwd, stdout=out, tied=True)
            ear = _Ear(process, hear)
            try:
                with hold.lifted():
                    is_over = ends_within(process, timeout)
            except BaseException:
                stop(process)
                raise
            if not is_over:
                stop(process)
        said = ear.last_words()
        if not is_over:
            message = f"it took longer than {timeout:g} s and was stopped"
            raise ProcessError(message, returncode=None, stderr=said)
        if process.returncode != 0:
            message = f"it ended with exit code {process.returncode}"
            raise ProcessError(message, returncode=process.returncode, stderr=said)
        out.seek(0)
        text = out.read(MOST_BYTES).decode("utf-8", "replace")
    return Completed(stdout=text, stderr=said, seconds=time.monotonic() - started)


class _Ear:
    """Hears a command's standard error in a thread of its own, and remembers its last lines."""

    def __init__(self, process: Child, hear: Callable[[str], None]) -> None:
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._hear = hear
        self._thread = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._thread.start()

    def last_words(self) -> str:
        """Return the last lines, once the command has ended."""
        self._thread.join(LISTEN_SECONDS)
        return "\n".join(tuple(self._lines))

    def _listen(self, process: Child) -> None:
        for line in read_lines(process):
            self._lines.append(line)
            if line.strip():
                self._hear(line)
