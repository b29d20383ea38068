"""The one door to other programs: argv lists, forwarded stops, no shell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ci_migrate import keeper, lifeline
from ci_migrate.errors import ProcessError
from ci_migrate.stops import Hold, held_stops, wait_patiently

LONGEST_LINE = 1_000_000
"""Bytes of a child's line that are relayed; the rest of the line is dropped."""
LITTLE_BYTES = 4096
"""A child that had printed less is not in a hurry to be heard again."""
STOP_SECONDS = 2.0
"""How long a child may take to end after SIGTERM, before it is killed; GitHub gives us 10 s in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ended with exit code 0."""

    stdout: str
    stderr: str
    seconds: float


class Child(subprocess.Popen[bytes]):
    """A running program."""

    rope: IO[bytes] | None = None
    """Held as long as a tied program may run."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; raises TimeoutExpired."""
        code = super().wait(timeout)
        if self.rope is not None:
            self.rope.close()
        return code


def run_command(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    timeout: float | None = None,
    tied: bool = False,
) -> Completed:
    """Run a command to its end; stop it when this process is told to stop.

    `stdin` and `stdout` are binary files for data that must not pass through memory; without `stdout`
    the output is returned as text. `timeout` is in seconds. `tied` ends the command, and what it started,
    also when this process is killed: for programs that run long.
    Raises ProcessError when the program is missing, fails, or takes longer than `timeout`.
    """
    started = time.monotonic()
    # A stop between the start and the wait would leave a program behind that nobody ends.
    with held_stops() as hold:
        process = _start(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            tied=tied,
        )
        with process:
            out, err = _communicate(process, argv[0], timeout, hold)
    stderr, code = err.decode("utf-8", "replace"), process.returncode
    if code != 0:
        message = f"{Path(argv[0]).name} ended with exit code {code}"
        raise ProcessError(message, returncode=code, stderr=stderr)
    return Completed(
        stdout=(out or b"").decode("utf-8", "replace"),
        stderr=stderr,
        seconds=time.monotonic() - started,
    )


def feed_command(
    argv: Sequence[str], chunks: Iterable[bytes], *, env: Mapping[str, str], tied: bool = False
) -> Completed:
    """Run a command that reads the chunks as its input; all are taken, also when it reads only their beginning.

    `tied` ends it at once when this process is killed, in the middle of what it has read already.
    Raises ProcessError when it is missing or fails; errors of the chunks as they are.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # Files, not pipes: nobody reads while this process writes.
        with held_stops() as hold:
            process = _start(
                argv, env=dict(env), stdin=subprocess.PIPE, stdout=out, stderr=err, tied=tied
            )
            try:
                with hold.lifted():
                    _feed(process, chunks)
                    process.wait()
            except BaseException:
                stop(process)
                raise
        texts = [file.read().decode("utf-8", "replace") for file in (out, err) if not file.seek(0)]
    if process.returncode != 0:
        message = f"{Path(argv[0]).name} ended with exit code {process.returncode}"
        raise ProcessError(message, returncode=process.returncode, stderr=texts[1])
    return Completed(stdout=texts[0], stderr=texts[1], seconds=time.monotonic() - started)


def start_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    pass_fds: Sequence[int] = (),
    stdout: IO[bytes] | None = None,
    tied: bool = False,
) -> Child:
    """Start a program that talks over the given descriptors; its stdout and stderr come as one pipe.

    With a file for `stdout` only its stderr comes by the pipe.
    `tied` ends it when this process is killed; a program that sees its descriptors close needs no such help.
    Raises ProcessError when it cannot be started.
    """
    return _start(
        argv,
        env=dict(env),
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        stdin=subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE if stdout else subprocess.STDOUT,
        tied=tied,
    )


def start_server(
    argv: Sequence[str], *, folder: Path, stop_with: int, env: Mapping[str, str]
) -> Child:
    """Start a server under a keeper: it stops, and its folder goes, when `stdin` closes or we are killed.

    `stop_with` is the signal that stops it. Raises ProcessError when the keeper cannot be started.
    """
    runner = [sys.executable, "-I", "-S", keeper.__file__, str(folder), str(int(stop_with))]
    return _start(
        [*runner, *argv],
        env=dict(env),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        tied=False,
    )


def read_lines(process: Child, *, pause: Callable[[], object] | None = None) -> Iterator[str]:
    """Yield the lines that a child prints, very long ones without their end, until it closes its output.

    `pause` is called between two looks while it prints little: each look takes time from the child where all
    processors are busy.
    """
    pipe = process.stdout or process.stderr
    if pipe is None:
        return
    with pipe as output:
        held, is_told = b"", False
        while data := os.read(output.fileno(), LONGEST_LINE):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                if not is_told:
                    yield _line_of(line)
                is_told = False
            if len(held) >= LONGEST_LINE:
                # Not in pieces: a secret that lies across two of them would be found in neither.
                if not is_told:
                    yield _line_of(held)
                held, is_told = b"", True
            if pause is not None and len(data) < LITTLE_BYTES:
                pause()
        if held and not is_told:
            yield _line_of(held)


def _line_of(data: bytes) -> str:
    return data[:LONGEST_LINE].decode("utf-8", "replace").rstrip("\r\n")


def ends_within(process: Child, seconds: float | None) -> bool:
    """Wait for the end of a child, for ever without `seconds`; return whether it came."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def wait_or_stop(process: Child, seconds: float) -> bool:
    """Give a child some seconds to end by itself, then end it; return whether it ended by itself."""
    if _ends_patiently(process, seconds):
        return True
    stop(process)
    return False


def _feed(process: Child, chunks: Iterable[bytes]) -> None:
    target = process.stdin
    for chunk in chunks:
        if target is not None:
            try:
                target.write(chunk)
            except BrokenPipeError:
                target = None  # it has read enough
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # what was held back is not wanted either
            process.stdin.close()


def _communicate(
    process: Child, name: str, timeout: float | None, hold: Hold
) -> tuple[bytes | None, bytes]:
    try:
        with hold.lifted():
            return process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as exc:
        stop(process)
        raise ProcessError(
            f"{name} took longer than {timeout:g} s", returncode=None, stderr=""
        ) from exc
    except BaseException:
        stop(process)
        raise


def _start(argv: Sequence[str], *, tied: bool, **options: Any) -> Child:
    # A session of its own: Ctrl-C at a terminal reaches this process alone, which ends its children.
    options["start_new_session"] = True
    try:
        return _start_tied(argv, **options) if tied else Child(list(argv), **options)
    except OSError as exc:
        reason = exc.strerror or exc
        raise ProcessError(f"cannot start {argv[0]}: {reason}", returncode=None, stderr="") from exc


def _start_tied(argv: Sequence[str], **options: Any) -> Child:
    program = shutil.which(argv[0], path=options["env"].get("PATH", os.defpath))
    if program is None:
        raise FileNotFoundError(None, "No such file or directory")
    reader, writer = os.pipe()
    rope = os.fdopen(writer, "wb")
    options["pass_fds"] = (*options.get("pass_fds", ()), reader)
    runner = [sys.executable, "-I", "-S", lifeline.__file__, str(reader)]
    try:
        child = Child([*runner, program, *argv[1:]], **options)
    except BaseException:
        rope.close()
        raise
    finally:
        os.close(reader)
    child.rope = rope
    return child


def send_signal(process: Child, number: int) -> None:
    """Send a signal to a child that runs, and to what it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it ended in this moment
            os.killpg(process.pid, number)


def stop(process: Child) -> None:
    """End a child, and what it started: SIGTERM first, SIGKILL when it does not listen."""
    send_signal(process, signal.SIGTERM)
    if not _ends_patiently(process, STOP_SECONDS):
        send_signal(process, signal.SIGKILL)
        process.wait()


def _ends_patiently(process: Child, seconds: float) -> bool:
    return wait_patiently(seconds, lambda piece: ends_within(process, piece))
