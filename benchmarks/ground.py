"""What the figures stand on: projects, servers, notes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Ratio, clean_environment
from tests.projects_builder import GIT_ENVIRONMENT
from tests.projects_history import Kind, write_linear_history
from tests.servers.object_store import ObjectStoreServer, find_seaweed
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
    bucket: ObjectStoreServer | None = None

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

    def object_store(self) -> ObjectStoreServer:
        """Return the S3 server, started when it is first asked for."""
        if self.bucket is None:
            program = find_seaweed()
            if program is None:
                message = "SeaweedFS is not installed here; see tests/README.md"
                raise SystemExit(message)
            self.bucket = ObjectStoreServer(program)
        return self.bucket
