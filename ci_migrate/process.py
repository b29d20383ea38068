"""The one door to other programs: argv lists, forwarded stops, no shell."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ci_migrate.errors import ProcessError

LONGEST_LINE = 10_000
"""Bytes of a child's line that are relayed in one piece."""
STOP_SECONDS = 2.0
"""How long a child may take to end after SIGTERM, before it is killed; GitHub gives us 10 s in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ended with exit code 0."""

    stdout: str
    stderr: str
    seconds: float


def run_command(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    timeout: float | None = None,
) -> Completed:
    """Run a command to its end; stop it when this process is told to stop.

    `stdin` and `stdout` are binary files for data that must not pass through memory; without `stdout`
    the output is returned as text. `timeout` is in seconds.
    Raises ProcessError when the program is missing, fails, or takes longer than `timeout`.
    """
    started = time.monotonic()
    process = _start(
        argv,
        env=dict(env),
        cwd=cwd,
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        out, err = _communicate(process, argv[0], timeout)
    stderr = err.decode("utf-8", "replace")
    if process.returncode != 0:
        raise ProcessError(
            f"{Path(argv[0]).name} ended with exit code {process.returncode}",
            returncode=process.returncode,
            stderr=stderr,
        )
    return Completed(
        stdout=(out or b"").decode("utf-8", "replace"),
        stderr=stderr,
        seconds=time.monotonic() - started,
    )


def start_child(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, pass_fds: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start a program that talks over the given descriptors; its stdout and stderr come as one pipe.

    Raises ProcessError when it cannot be started.
    """
    return _start(
        argv,
        env=dict(env),
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold off SIGINT and SIGTERM while a record is written; they are delivered at the end.

    Start no program inside: it would inherit the hold.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def read_lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield the lines that a child prints, very long ones in pieces, until it closes its output."""
    if process.stdout is None:
        return
    with process.stdout as output:
        for line in iter(lambda: output.readline(LONGEST_LINE), b""):
            yield line.decode("utf-8", "replace").rstrip("\r\n")


def wait_or_stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Give a child some seconds to end by itself, then end it."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        stop(process)


def _communicate(
    process: subprocess.Popen[bytes], name: str, timeout: float | None
) -> tuple[bytes | None, bytes]:
    try:
        return process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as exc:
        stop(process)
        raise ProcessError(
            f"{name} took longer than {timeout:g} s", returncode=None, stderr=""
        ) from exc
    except BaseException:
        stop(process)
        raise


def _start(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C at a terminal reaches this process alone, which ends its children.
    try:
        return subprocess.Popen(list(argv), start_new_session=True, **options)
    except OSError as exc:
        reason = exc.strerror or exc
        raise ProcessError(f"cannot start {argv[0]}: {reason}", returncode=None, stderr="") from exc


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a child: SIGTERM first, SIGKILL when it does not listen."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
