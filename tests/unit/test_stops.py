"""Stops, with real signals, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BEGIN = """
import os, signal, threading, time
from ci_migrate.errors import InterruptedRunError
from ci_migrate.stops import forget_stops, held_stops, ignore_stops, listen_for_stops, taken_stops
from ci_migrate.stops import wait_patiently

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
    with taken_stops():
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
    with taken_stops(), held_stops():
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


def test_stops_are_held_until_somebody_takes_them() -> None:
    """They are heard before the rest of the program is imported."""
    said = run("""
stop()
print("held")
try:
    with taken_stops():
        print("not here")
except InterruptedRunError:
    print("taken")
""")
    assert said == "held\ntaken\n"


def test_a_hold_can_be_lifted_to_what_was_before_and_no_further() -> None:
    said = run("""
with held_stops() as outer, outer.lifted():
    stop()
    print("nobody took them before")
try:
    with taken_stops(), held_stops() as hold, hold.lifted():
        print("not here")
except InterruptedRunError:
    print("taken")
""")
    assert said == "nobody took them before\ntaken\n"


def test_what_handles_failures_does_not_swallow_a_stop() -> None:
    said = run("""
try:
    with taken_stops():
        try:
            stop()
        except Exception:
            print("swallowed")
except InterruptedRunError:
    print("stopped")
""")
    assert said == "stopped\n"


def test_a_second_stop_hurries_what_is_waited_for() -> None:
    said = run("""
with held_stops():
    stop(signal.SIGINT)
    stop(signal.SIGINT)
    started = time.monotonic()
    print(wait_patiently(60, lambda piece: time.sleep(piece)), time.monotonic() - started < 5)
    forget_stops()
""")
    assert said == "False True\n"


def test_late_signals_do_not_change_the_exit_code() -> None:
    said = run("ignore_stops(); stop(signal.SIGINT); stop(signal.SIGTERM); print('ended well')")
    assert said == "ended well\n"
