"""Times pairs of commands in turn, so that a machine whose speed drifts changes both alike."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class BenchmarkError(Exception):
    """A command that is measured did not do what it should; the message ends with what it printed."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that is measured as a whole process, from its start to its end."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    before: Callable[[], None] = field(default=lambda: None)
    """Puts things back to where every run starts; not measured."""
    says: str = ""
    """What its output must contain, so that nothing is measured that only fails quickly."""
    exit_code: int = 0

    def run(self) -> Took:
        """Return what one run took."""
        self.before()
        started, cpu = time.perf_counter(), _cpu_of_children()
        done = subprocess.run(
            list(self.argv),
            cwd=self.cwd,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        took = Took(wall=time.perf_counter() - started, cpu=_cpu_of_children() - cpu)
        output = done.stdout.decode("utf-8", "replace")
        if done.returncode != self.exit_code or self.says not in output:
            words = " ".join(map(str, self.argv))
            raise BenchmarkError(f"{words}\nended with {done.returncode}:\n{output[-2000:]}")
        return took


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds that a run took: on the clock, and of the processors (without a server's)."""

    wall: float
    cpu: float


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """How two commands compare: medians of the runs in seconds, and of the ratios pair by pair."""

    ours: float
    theirs: float
    median: float
    lowest: float
    highest: float
    cpu: float
    """Median of the ratios of processor time."""
    pairs: int


def compare(ours: Command, theirs: Command, *, pairs: int) -> Ratio:
    """Run both in turn, after one run of each that is not counted and leaves compiled files behind."""
    ours.run()
    theirs.run()
    # Which of a pair goes first changes from pair to pair.
    times: list[tuple[Took, Took]] = []
    for number in range(pairs):
        if number % 2:
            second = theirs.run()
            times.append((ours.run(), second))
        else:
            times.append((ours.run(), theirs.run()))
    ratios = [a.wall / b.wall for a, b in times]
    return Ratio(
        ours=statistics.median(a.wall for a, _ in times),
        theirs=statistics.median(b.wall for _, b in times),
        median=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        cpu=statistics.median(a.cpu / b.cpu for a, b in times),
        pairs=pairs,
    )


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def clean_environment(home: Path, bindir: Path) -> dict[str, str]:
    """Return variables without anything that changes how Python, git or a database client works."""
    return {
        "PATH": f"{bindir}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
