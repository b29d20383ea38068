"""A pgbouncer in front of a PostgreSQL server."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from tests.servers.postgres import PostgresServer
from tests.servers.private_server import PrivateServer, find_free_port, run

PLACES = "/usr/sbin:/usr/local/sbin:/usr/local/bin"


def find_pgbouncer(path: str) -> Path | None:
    """Return the program: on the search path, or where distributions put it beside that."""
    found = shutil.which("pgbouncer", path=f"{path}:{PLACES}")
    return Path(found) if found else None


class Pgbouncer:
    """pgbouncer on 127.0.0.1:`port`, which lets role `postgres` in without a password; every database of the server."""

    def __init__(self, program: Path, server: PostgresServer, pool_mode: str) -> None:
        self.port = find_free_port()
        self._server = PrivateServer("cm-pb-", run_as=("postgres", "nobody"), probe=program)
        folder = self._server.folder
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": folder / "users",
            "pool_mode": pool_mode,
            "default_pool_size": 5,
            "ignore_startup_parameters": "extra_float_digits",
        }
        lines = ["[databases]", f"* = host={server.socket_dir} port={server.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (folder / "ini").write_text("\n".join(lines) + "\n")
        (folder / "users").write_text('"postgres" ""\n')
        for name in ("ini", "users"):
            (folder / name).chmod(0o644)
        self._psql = [str(server.bindir / "psql"), "-XqAt", "-h", "127.0.0.1", "-p", str(self.port)]
        self._server.start(
            [program, folder / "ini"], stop_with=signal.SIGINT, ready=lambda: self._ask("SELECT 1")
        )

    def url(self, database: str, *, driver: str = "psycopg") -> str:
        """Return the URL of a database of the server, by way of the pooler."""
        return f"postgresql+{driver}://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop it and remove its files."""
        self._server.stop()

    def _ask(self, sql: str) -> str:
        return run(
            [*self._psql, "-U", "postgres", "-d", "postgres", "-c", sql], env=self._server.env
        )
