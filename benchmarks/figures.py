"""The figures: what is compared with what, on which project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.measure import Command, Ratio, clean_environment, compare
from tests.projects_builder import GIT_ENVIRONMENT
from tests.projects_history import Kind, write_linear_history
from tests.servers.postgres import PostgresServer

BIN = Path(sys.executable).parent
NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One promise: `measure` returns what is compared with `target`."""

    name: str
    what: str
    target: float | None
    """Highest ratio that keeps the promise; None where there is no promise."""
    measure: Callable[[Ground], Ratio]


@dataclass(kw_only=True)
class Ground:
    """A folder for everything that a run of the benchmarks makes; projects are written once."""

    folder: Path
    notes: dict[str, str] = field(default_factory=dict)
    """What else was measured, by name of the figure."""
    postgres: PostgresServer | None = None

    @property
    def env(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return clean_environment(home, BIN)

    def project(self, count: int, kind: Kind, url: str) -> Path:
        """Return a stock project under git with `count` revisions, whose database is at `url`."""
        path = self.folder / f"{kind}-{count}"
        if path.exists():
            return path
        write_linear_history(path, count, kind)
        ini = path / "alembic.ini"
        ini.write_text(ini.read_text("utf-8").replace("sqlite:///app.db", url), "utf-8")
        environments = {
            "dev": {"branches": ["main"], "url": url, "backup": "none"},
            "away": {"url": NOWHERE},
        }
        config = {"version": 1, "environments": environments}
        (path / "ci-migrate.yml").write_text(json.dumps(config), "utf-8")
        (path / ".gitignore").write_text("__pycache__/\n.ci-migrate/\n*.db\n", "utf-8")
        for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "x"]):
            subprocess.run(["git", *arguments], cwd=path, env=GIT_ENVIRONMENT, check=True)
        return path

    def server(self) -> PostgresServer:
        """Return the PostgreSQL server, started when it is first asked for."""
        if self.postgres is None:
            from tests.conftest import POSTGRES, POSTGRES_DRIVER

            if POSTGRES is None:
                message = "PostgreSQL is not installed here; see tests/README.md"
                raise SystemExit(message)
            self.postgres = PostgresServer(POSTGRES, driver=POSTGRES_DRIVER)
        return self.postgres


def measure_version(ground: Ground) -> Ratio:
    """Compare how fast both tools say their version."""
    ours = Command(argv=[str(BIN / "ci-migrate"), "--version"], cwd=ground.folder, env=ground.env)
    theirs = Command(argv=[str(BIN / "alembic"), "--version"], cwd=ground.folder, env=ground.env)
    return compare(ours, theirs, pairs=15)


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
    return compare(promote, theirs, pairs=5 if cold else 9)


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
    return compare(ours, theirs, pairs=9)


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
    return compare(promote, theirs, pairs=5)


def measure_backup(ground: Ground) -> Ratio:
    """Compare a proved backup of a 1 GB database with plain pg_dump in its custom format."""
    server = ground.server()
    server.run_sql("CREATE DATABASE large")
    size = _fill(server)
    folder = ground.folder / "backups"
    env = {**ground.env, "PATH": f"{server.bindir}:{ground.env['PATH']}"}
    peaks = folder / "peaks"

    def make_empty() -> None:
        shutil.rmtree(folder / "archives", ignore_errors=True)
        (folder / "archives").mkdir(parents=True)
        server.run_sql("CHECKPOINT")

    script = 'python -m benchmarks.backup_process "$1" "$2" | tee -a "$3"'
    ours = Command(
        argv=["sh", "-c", script, "sh", server.url("large"), str(folder / "archives"), str(peaks)],
        cwd=ROOT,
        env=env,
        before=make_empty,
        says="listed by pg_restore",
    )
    target = f"--file={folder / 'archives' / 'plain.dump'}"
    login = ["-h", str(server.socket_dir), "-U", "postgres", "large"]
    theirs = Command(
        argv=[str(server.bindir / "pg_dump"), "-Fc", target, *login],
        cwd=ROOT,
        env=env,
        before=make_empty,
    )
    ratio = compare(ours, theirs, pairs=3)
    lines = peaks.read_text("utf-8").splitlines()
    peak = max(int(line.split()[1]) for line in lines if line.startswith("peak "))
    ground.notes["backup"] = f"{size / 1e9:.2f} GB database"
    ground.notes["memory"] = str(peak)
    return ratio


def _fill(server: PostgresServer) -> int:
    """Fill the database `large` with rows of a shop until it has 1 GB; return its size in bytes."""
    server.run_sql(
        "CREATE TABLE orders (id bigint PRIMARY KEY, placed timestamptz, customer text, address text,"
        " amount numeric(10, 2), remark text)",
        "large",
    )
    size, number, step = 0, 0, 500_000
    while size < 1_000_000_000:
        server.run_sql(
            "INSERT INTO orders SELECT g, timestamptz '2026-01-01' + g * interval '1 s',"
            " md5(g::text), md5((g * 7)::text) || ' ' || md5((g % 1000)::text), g % 10000 / 100.0,"
            " repeat('as ordered before, ', 1 + (g % 8)::int)"
            f" FROM generate_series({number + 1}, {number + step}) g",
            "large",
        )
        number += step
        size = int(server.run_sql("SELECT pg_database_size('large')").strip())
    server.run_sql("VACUUM ANALYZE orders", "large")
    return size


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
)
