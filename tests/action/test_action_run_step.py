"""The step that runs the tool, as the runner starts it: bash is replaced, a cancel reaches Python."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUN = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][1]
REPORT = """
import json, os, signal, sys, time
say = lambda **values: print(json.dumps(values), flush=True)
def stop(number, frame):
    say(signal=signal.Signals(number).name)
    if number == signal.SIGTERM:
        sys.exit(130)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
say(argv=sys.argv[1:], path=sys.path, cwd=os.getcwd(), pid=os.getpid())
time.sleep(float(os.environ["SLEEP"]))
"""


@pytest.fixture
def start(tmp_path):
    """Start the step as the runner does, with a package that stands in for the tool."""
    (tmp_path / "packages/ci_migrate").mkdir(parents=True)
    # A package of its own, not a namespace: an installed ci_migrate would win over that.
    (tmp_path / "packages/ci_migrate/__init__.py").touch()
    (tmp_path / "packages/ci_migrate/__main__.py").write_text(REPORT)
    (tmp_path / "my project").mkdir()
    script = tmp_path / "step.sh"
    script.write_text(RUN["run"])
    started = []

    def start_step(**env):
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(tmp_path / "packages"),
                "PYTHONUNBUFFERED": "1",
                "CI_MIGRATE_WORKING_DIRECTORY": "my project",
                "CI_MIGRATE_PYTHON": sys.executable,
                "SLEEP": "0",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start_step
    for process in started:
        process.kill()
        process.communicate()


def test_the_shell_becomes_python(start):
    process = start(SLEEP="60")
    assert f'"pid": {process.pid}' in process.stdout.readline()


def test_a_cancel_reaches_python_which_answers_within_the_time_it_has(start):
    process = start(SLEEP="60")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert "SIGINT" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert "SIGTERM" in process.stdout.readline()
    started = time.monotonic()
    assert process.wait(timeout=2.5) == 130
    assert time.monotonic() - started < 2.5


def test_it_runs_in_the_working_directory_without_arguments(start, tmp_path):
    out, _ = start().communicate(timeout=30)
    assert '"argv": []' in out
    assert f'"cwd": "{tmp_path}/my project"' in out


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no -P")
def test_a_folder_of_the_project_does_not_hide_a_package(start, tmp_path):
    shadow = tmp_path / "my project/ci_migrate"
    shadow.mkdir()
    (shadow / "__init__.py").touch()
    (shadow / "__main__.py").write_text("print('hidden')")
    out, _ = start(CI_MIGRATE_SAFE_PATH="1").communicate(timeout=30)
    assert "hidden" not in out
    assert '"argv"' in out
    assert "hidden" in start(CI_MIGRATE_SAFE_PATH="").communicate(timeout=30)[0]


def test_the_exit_code_of_the_tool_is_that_of_the_step(start, tmp_path):
    (tmp_path / "packages/ci_migrate/__main__.py").write_text("raise SystemExit(6)")
    assert start().wait(timeout=30) == 6
