"""Projects with a command of their own: it takes the worker's place between backup and verification."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ci_migrate.errors import ProcessError, UpgradeError
from ci_migrate.process import read_lines, send_signal, start_child, wait_or_stop
from ci_migrate.stops import held_stops

INTERRUPT_SECONDS = 4.0


def run_own_command(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    root: Path,
    hear: Callable[[str], None],
    stopping: Callable[[], object],
) -> None:
    """Run the command in `root` and hear each line it prints; raise UpgradeError when it fails.

    Also when it cannot be started. `stopping` is called when it is to end early: a program that waits for a server
    may not hear its signal before that answers.
    """
    with held_stops() as hold:
        try:
            process = start_child(argv, env=env, cwd=root, tied=True)
        except ProcessError as exc:
            raise UpgradeError(
                f"the project's own command did not start: {exc.message}",
                next_step="Correct `migrations.command`; its program is looked for in PATH, or named by its path.",
            ) from exc
        try:
            with hold.lifted():
                for line in read_lines(process):
                    hear(line)
                code = process.wait()
        except BaseException:
            send_signal(process, signal.SIGINT)
            stopping()
            wait_or_stop(process, INTERRUPT_SECONDS)
            raise
    if code != 0:
        raise UpgradeError(f"{argv[0]} ended with exit code {code}; what it printed is above")
