"""Runs a program that ends when the process that wants it does, also when that is killed.

Started by path, so that nothing else is imported: `python -I -S lifeline.py DESCRIPTOR PROGRAM ARGUMENT…`.
The descriptor is the reading end of a pipe whose other end only the parent holds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

CANNOT_START = 127


def run_tied(rope: int, argv: list[str]) -> int:
    """Run a program to its end and return its code, negative for a signal; SIGKILL its group with the parent."""
    # Both go to the whole group: the program decides what they mean.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    threading.Thread(target=_follow, args=(rope,), daemon=True).start()
    try:
        program = subprocess.Popen(argv)
    except OSError as exc:
        sys.stderr.write(f"cannot start {argv[0]}: {exc.strerror}\n")
        return CANNOT_START
    return program.wait()


def _follow(rope: int) -> None:
    os.read(rope, 1)  # nothing is ever written: this returns when the other end is closed
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[1]), False)
    code = run_tied(int(sys.argv[1]), sys.argv[2:])
    if code < 0:
        # Ending as the program did tells the parent more than a number could.
        with contextlib.suppress(OSError):  # some cannot be handled, and need not be
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
