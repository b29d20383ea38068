"""The door to other programs, with real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ci_migrate.errors import ProcessError
from ci_migrate.process import LONGEST_LINE, read_lines, run_command, start_child, stop
from tests.processes import is_running

ENV = {"PATH": os.defpath}
ROOT = Path(__file__).parents[2]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_comes_back_as_text() -> None:
    code = "import sys; print('out \\u00e9'); sys.stderr.buffer.write(b'err \\xff')"
    done = run_command(python(code), env={**ENV, "PYTHONUTF8": "1"})
    assert (done.stdout, done.stderr) == ("out é\n", "err \ufffd")


def test_only_the_given_environment_is_there() -> None:
    code = "import os; print(sorted(name for name in os.environ if name.startswith('X_')))"
    assert run_command(python(code), env={**ENV, "X_A": "1"}).stdout == "['X_A']\n"


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ProcessError, match="cannot start no-such-program: No such file") as error:
        run_command(["no-such-program"], env=ENV)
    assert error.value.returncode is None


def test_a_missing_folder_is_an_error_of_ours_too(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="cannot start"):
        run_command(python(""), env=ENV, cwd=tmp_path / "no")


def test_a_failure_has_code_and_words() -> None:
    with pytest.raises(ProcessError, match="ended with exit code 3") as error:
        run_command(python("import sys; sys.exit('no' if 0 else 3)"), env=ENV)
    assert error.value.returncode == 3
    with pytest.raises(ProcessError) as error:
        run_command(python("import sys; sys.exit('because')"), env=ENV)
    assert error.value.stderr == "because\n"


def test_arguments_are_not_in_the_message_of_a_failure() -> None:
    with pytest.raises(ProcessError) as error:
        run_command([*python("raise SystemExit(1)"), "hunter22"], env=ENV)
    assert "hunter22" not in str(error.value)


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(ProcessError, match=r"took longer than 0\.5 s"):
        run_command(python(code), env=ENV, timeout=0.5)
    assert not is_running(int(pid_file.read_text()))


def test_a_program_is_ended_when_this_one_is_told_to_stop(tmp_path: Path) -> None:
    """An exception out of a signal handler, as the command line raises it."""
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.7)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_command(python(code), env=ENV)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not is_running(int(pid_file.read_text()))


def test_a_program_that_does_not_listen_is_killed() -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = start_child(python(code), env=ENV, cwd=Path("/"), pass_fds=())
    lines = read_lines(child)
    assert next(lines) == "up"
    started = time.monotonic()
    stop(child)
    lines.close()
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - started < 10


def test_files_carry_data_that_must_not_pass_through_memory(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"\x00\xff" * 1000)
    with source.open("rb") as stdin, target.open("wb") as stdout:
        done = run_command(["cat"], env=ENV, stdin=stdin, stdout=stdout)
    assert done.stdout == ""
    assert target.read_bytes() == source.read_bytes()


def test_a_line_without_end_is_cut_and_not_torn() -> None:
    code = f"print('x' * {LONGEST_LINE * 2 + 5}, end=''); print('\\r\\nlast')"
    child = start_child(python(code), env=ENV, cwd=Path("/"), pass_fds=())
    lines = list(read_lines(child))
    child.wait()
    assert [len(line) for line in lines] == [LONGEST_LINE, 4]


def test_stdout_and_stderr_of_a_child_are_one_stream() -> None:
    code = "import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True); print('c')"
    child = start_child(python(code), env=ENV, cwd=Path("/"), pass_fds=())
    assert list(read_lines(child)) == ["a", "b", "c"]
    child.wait()


def test_a_tied_program_and_what_it_started_end_when_this_one_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pids"
    sleeper = f"echo $$ > {pid_file}.1; (echo $BASHPID > {pid_file}.2; exec sleep 60) & wait"
    code = (
        "import os; from ci_migrate.process import run_command;"
        f"run_command(['bash', '-c', {sleeper!r}], env={ENV!r}, tied=True)"
    )
    run = subprocess.Popen(python(code), cwd=ROOT)
    files = [Path(f"{pid_file}.{number}") for number in (1, 2)]
    wait_until(lambda: all(file.exists() and file.read_text().strip() for file in files))
    run.kill()
    run.wait()
    wait_until(lambda: not any(is_running(int(file.read_text())) for file in files))


def test_a_tied_program_ends_as_it_does_alone(tmp_path: Path) -> None:
    assert run_command(python("print(7)"), env=ENV, tied=True).stdout == "7\n"
    with pytest.raises(ProcessError, match="ended with exit code 3"):
        run_command(python("raise SystemExit(3)"), env=ENV, tied=True)
    with pytest.raises(ProcessError, match="ended with exit code -9"):
        run_command(python("import os; os.kill(os.getpid(), 9)"), env=ENV, tied=True)
    with pytest.raises(ProcessError, match="cannot start no-such-program: No such file"):
        run_command(["no-such-program"], env=ENV, tied=True)


def wait_until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_tied_command_that_cannot_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    def start() -> None:
        with pytest.raises(ProcessError, match="No such file"):
            start_child(python("1"), env=ENV, cwd=tmp_path / "none", tied=True)

    start()
    before = len(list(Path("/proc/self/fd").iterdir()))
    start()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
