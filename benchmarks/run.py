"""Measures the figures and writes results.md: `python -m benchmarks.run [NAME…]`.

With names, only these are measured and nothing is written. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.figures import FIGURES
from benchmarks.ground import Ground
from benchmarks.measure import Ratio

RESULTS = Path(__file__).parent / "results.md"
PACKAGES = ("alembic", "SQLAlchemy", "psycopg", "click", "msgspec", "PyYAML")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    theirs: str
    ratio: str
    cpu: str
    target: str
    is_kept: bool | None

    def cells(self) -> tuple[str, ...]:
        kept = {True: "yes", False: "NO", None: ""}[self.is_kept]
        return (self.what, self.ours, self.theirs, self.ratio, self.cpu, self.target, kept)


def main() -> int:
    names = sys.argv[1:]
    unknown = set(names) - {figure.name for figure in FIGURES}
    if unknown:
        known = ", ".join(figure.name for figure in FIGURES)
        print(f"unknown: {', '.join(sorted(unknown))}; there are: {known}")
        return 2
    with tempfile.TemporaryDirectory(prefix="ci-migrate-bench-") as folder:
        ground = Ground(folder=Path(folder))
        try:
            rows = list(measure(ground, names))
        finally:
            server = ground.postgres
            for one in (server, ground.bucket):
                if one is not None:
                    one.stop()
    text = render(rows, server.version if server else None)
    print(text)
    if not names:
        RESULTS.write_text(text, "utf-8")
    return 1 if any(row.is_kept is False for row in rows) else 0


def measure(ground: Ground, names: list[str]) -> Iterator[Row]:
    """Yield a row for each figure that is asked for."""
    for figure in FIGURES:
        if names and figure.name not in names:
            continue
        print(f"measuring {figure.name} …", file=sys.stderr, flush=True)
        ratio = figure.measure(ground)
        note = ground.notes.get(figure.name)
        row = row_of(figure.what + (f" ({note})" if note else ""), ratio, figure.target)
        print(f"{figure.name}: {row.ratio}, cpu {row.cpu}", file=sys.stderr, flush=True)
        yield row
        memory = ground.notes.pop("memory", None)
        if memory is not None:
            yield memory_row(*map(int, memory.split()))


def row_of(what: str, ratio: Ratio, target: float | None) -> Row:
    """Return the row of a comparison."""
    spread = f"{ratio.median:.2f} ({ratio.lowest:.2f} to {ratio.highest:.2f}, {ratio.pairs} pairs)"
    return Row(
        what=what,
        ours=f"{ratio.ours:.3g} s",
        theirs=f"{ratio.theirs:.3g} s",
        ratio=spread,
        cpu=f"{ratio.cpu:.2f}",
        target="" if target is None else f"≤ {target:g}",
        is_kept=None if target is None else ratio.median <= target,
    )


def memory_row(peak: int, most: int) -> Row:
    """Return the row of the memory that our process had at its peak while the backup was taken."""
    return Row(
        what="peak memory of our process meanwhile",
        ours=f"{peak / 1e6:.0f} MB",
        theirs="",
        ratio="",
        cpu="",
        target=f"≤ {most / 1e6:.0f} MB",
        is_kept=peak <= most,
    )


def render(rows: list[Row], postgres: str | None) -> str:
    """Return the table with what it was measured on."""
    found = {name: importlib.metadata.version(name) for name in ("ci-migrate", *PACKAGES)}
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {version}" for name, version in found.items()]
    versions += [f"PostgreSQL {postgres}"] if postgres else []
    head = ("figure", "ci-migrate", "the other", "ratio", "cpu", "target", "kept")
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head))]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    table = "\n".join(lines)
    return f"""# Figures

Whole processes, wall time: medians of runs in turn (ours, the other, ours, …), the ratio being the median of the
ratios pair by pair, with the lowest and the highest. The column cpu has the same ratio of processor time, without
the server's: on a busy machine the steadier figure. `make bench` measures them anew.

{table}

Measured on {datetime.now(timezone.utc):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores
(the average load of the last 15 minutes was {os.getloadavg()[2]:.1f}, its own work included). {", ".join(versions)}.
"""


if __name__ == "__main__":
    sys.exit(main())
