"""The program between a test run and its server: when the test run ends, in whatever way, so does the server.

Its standard input is a pipe that only the test process holds. The end of file comes when that process closes it or
dies, also by SIGKILL, and needs no signal, no process id on disk and no clean-up hook.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path


def keep(folder: Path, stop_signal: int, argv: list[str]) -> None:
    """Run a server until it ends or standard input does, then remove its folder."""
    # Ctrl-C goes to the whole terminal; the test process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while server.poll() is None:
        readable, _, _ = select.select([0], [], [], 0.2)
        if readable and not os.read(0, 1):
            server.send_signal(stop_signal)
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
