"""The figures: what is compared with what, on which project."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.backups import measure_backup, measure_encryption, measure_stream
from benchmarks.ground import BIN, Figure, Ground
from benchmarks.measure import Command, Ratio, compare
from benchmarks.rehearsals import measure_rehearsal


def measure_version(ground: Ground) -> Ratio:
    """Compare how fast both tools say their version."""
    ours = Command(argv=[str(BIN / "ci-migrate"), "--version"], cwd=ground.folder, env=ground.env)
    theirs = Command(argv=[str(BIN / "alembic"), "--version"], cwd=ground.folder, env=ground.env)
    return compare(ours, theirs, pairs=5)


def measure_nothing_pending(ground: Ground, *, count: int, cold: bool = False) -> Ratio:
    """Compare a promotion with an upgrade when the database has everything.

    `cold`: as in a fresh checkout, without compiled revision files; installed packages stay compiled.
    """
    path = ground.project(count, "noop", "sqlite:///app.db")
    before = partial(_remove_compiled, path) if cold else _nothing
    common = {"cwd": path, "env": ground.env}
    argv = [str(BIN / "alembic"), "upgrade", "head"]
    theirs = Command(argv=argv, before=before, **common)
    theirs.run()
    promote = _promote(path, ground.env, says="NOTHING TO DO", before=before)
    return compare(promote, theirs, pairs=3 if cold else 5)


def measure_plan(ground: Ground, *, arguments: tuple[str, ...], exit_code: int = 0) -> Ratio:
    """Compare a plan that reaches no database with a list of the heads."""
    path = ground.project(5000, "noop", "sqlite:///app.db")
    ours = Command(
        argv=[str(BIN / "ci-migrate"), "plan", *arguments],
        cwd=path,
        env=ground.env,
        says="5000 revisions",
        exit_code=exit_code,
    )
    theirs = Command(argv=[str(BIN / "alembic"), "heads"], cwd=path, env=ground.env, says="(head)")
    return compare(ours, theirs, pairs=5)


def measure_pending(ground: Ground) -> Ratio:
    """Compare a promotion of 1,000 typical revisions on an empty PostgreSQL database."""
    server = ground.server()
    url = server.url("pending")
    path = ground.project(1000, "typical", url)

    def make_empty() -> None:
        server.drop_database("pending")
        server.run_sql("CREATE DATABASE pending")
        server.run_sql("CHECKPOINT")  # what the last run left to write is not the next one's work

    theirs = Command(
        argv=[str(BIN / "alembic"), "upgrade", "head"], cwd=path, env=ground.env, before=make_empty
    )
    promote = _promote(path, ground.env, says="PROMOTED", before=make_empty)
    return compare(promote, theirs, pairs=4)


def _promote(
    path: Path, env: Mapping[str, str], *, says: str, before: Callable[[], None]
) -> Command:
    return Command(
        argv=[str(BIN / "ci-migrate"), "promote", "--environment", "dev"],
        cwd=path,
        env=env,
        before=before,
        says=says,
    )


def _remove_compiled(path: Path) -> None:
    for folder in path.rglob("__pycache__"):
        shutil.rmtree(folder)


def _nothing() -> None:
    return


FIGURES = (
    Figure(
        name="version",
        what="`--version`, against `alembic --version`",
        target=0.4,
        measure=measure_version,
    ),
    Figure(
        name="nothing-1000",
        what="`promote`, nothing pending, 1,000 revisions, SQLite, against `alembic upgrade head`",
        target=1.0,
        measure=partial(measure_nothing_pending, count=1000),
    ),
    Figure(
        name="nothing-1000-cold",
        what="the same in a fresh checkout (revision files not compiled)",
        target=None,
        measure=partial(measure_nothing_pending, count=1000, cold=True),
    ),
    Figure(
        name="nothing-5000",
        what="`promote`, nothing pending, 5,000 revisions, SQLite, against `alembic upgrade head`",
        target=0.5,
        measure=partial(measure_nothing_pending, count=5000),
    ),
    Figure(
        name="nothing-5000-cold",
        what="the same in a fresh checkout (revision files not compiled)",
        target=None,
        measure=partial(measure_nothing_pending, count=5000, cold=True),
    ),
    Figure(
        name="plan-static",
        what="`plan --static`, 5,000 revisions, against `alembic heads`",
        target=0.5,
        measure=partial(measure_plan, arguments=("--static", "--environment", "dev")),
    ),
    Figure(
        name="plan-away",
        what="`plan`, its database unreachable, 5,000 revisions, against `alembic heads`",
        target=0.5,
        measure=partial(measure_plan, arguments=("--environment", "away"), exit_code=3),
    ),
    Figure(
        name="pending",
        what="`promote` of 1,000 pending revisions, PostgreSQL, no backup, against `alembic upgrade head`",
        target=1.1,
        measure=measure_pending,
    ),
    Figure(
        name="backup",
        what="backup of 1 GB, written and proved, against plain `pg_dump -Fc`",
        target=1.05,
        measure=measure_backup,
    ),
    Figure(
        name="stream",
        what="the same backup streamed into an S3 server on loopback and read back, against a folder",
        target=1.1,
        measure=measure_stream,
    ),
    Figure(
        name="encryption",
        what="the same backup encrypted into a folder, against plain",
        target=1.3,
        measure=measure_encryption,
    ),
    Figure(
        name="rehearsal",
        what="`promote` with `rehearse`, PostgreSQL, against the same without",
        target=None,
        measure=measure_rehearsal,
    ),
)
