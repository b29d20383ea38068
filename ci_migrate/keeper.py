"""Runs a private server in a folder; when the process that wants it ends, in whatever way, both are gone.

Started by path, so that nothing else is imported: `python -I -S keeper.py FOLDER SIGNAL PROGRAM ARGUMENT…`.
Standard input is a pipe whose other end only the parent holds: its end needs no signal and no hook.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

LOCK_FILE = "alive"
"""In the folder; locked as long as the keeper lives."""
ENDED_FILE = "ended"
"""In the folder, once the server has ended by itself."""
STOP_SECONDS = 10.0


def keep(folder: Path, stop_signal: int, argv: list[str]) -> None:
    """Run a server until it or standard input ends, then remove its folder."""
    # The process that wants the server decides what a stop means. Not SIG_IGN: the server would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    while server.poll() is None:
        readable, _, _ = select.select([0], [], [], 0.2)
        if readable and not os.read(0, 1):
            _stop(server, stop_signal)
            break
    else:
        with (folder / ENDED_FILE).open("wb"):
            select.select([0], [], [])  # the parent may still want to read the log
    shutil.rmtree(folder, ignore_errors=True)


def _stop(server: subprocess.Popen[bytes], stop_signal: int) -> None:
    server.send_signal(stop_signal)
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
