"""Stops, with real signals, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEGIN = """
import os, signal, threading
from ci_migrate.errors import InterruptedRunError
from ci_migrate.stops import forget_stops, held_stops, listen_for_stops, taken_stops

def stop(number=signal.SIGTERM):
    os.kill(os.getpid(), number)
    for _ in range(1000):
        pass

listen_for_stops()
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_stop_is_raised_and_the_others_are_not(name: str) -> None:
    said = run(f"""
try:
    stop(signal.{name})
except InterruptedRunError as exc:
    print(exc)
stop(signal.SIGINT)
stop(signal.SIGTERM)
""")
    assert said == f"the run was stopped by {name}\n"


def test_a_held_stop_is_raised_at_the_end_also_when_threads_could_take_the_signal() -> None:
    said = run("""
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    with held_stops():
        stop()
        with held_stops():
            print("written")
        print("still held")
except InterruptedRunError:
    print("raised")
""")
    assert said == "written\nstill held\nraised\n"


def test_a_stop_that_waits_is_taken_as_soon_as_somebody_takes_it() -> None:
    said = run("""
with held_stops():
    stop()
    try:
        with taken_stops():
            print("not here")
    except InterruptedRunError:
        print("raised inside")
    print("and once only")
""")
    assert said == "raised inside\nand once only\n"


def test_a_stop_after_the_report_is_forgotten() -> None:
    said = run("""
with held_stops():
    stop()
    forget_stops()
print("ended well")
""")
    assert said == "ended well\n"
