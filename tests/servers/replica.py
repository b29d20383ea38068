"""A PostgreSQL server with a replica behind it, for what only a primary sees."""

from __future__ import annotations

import signal
from pathlib import Path
from types import TracebackType

from tests.servers.private_server import PrivateServer, run


class Replica:
    """A primary at `url` and a replica that follows it, on Unix sockets; both end with the context."""

    def __init__(self, bindir: Path) -> None:
        self._bindir = bindir
        self._primary, self._standby = self._make(), self._make()
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self._primary.folder}"

    def __enter__(self) -> Replica:
        primary, standby = self._primary, self._standby
        data = primary.folder / "data"
        primary.run(
            [self._bindir / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"]
        )
        self._start(primary)
        copy = [
            self._bindir / "pg_basebackup",
            "-h",
            primary.folder,
            "-U",
            "postgres",
            "-c",
            "fast",
        ]
        standby.run([*copy, "-R", "--no-sync", "-D", standby.folder / "data"])
        self._start(standby)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._standby.stop()
        self._primary.stop()

    def pause(self) -> None:
        """Let the replica receive, but not replay."""
        self._ask(self._standby, "SELECT pg_wal_replay_pause()")

    def _make(self) -> PrivateServer:
        return PrivateServer("cm-pg-", run_as=("postgres", "nobody"), probe=self._bindir / "initdb")

    def _start(self, server: PrivateServer) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(server.folder),
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_prepared_transactions": "5",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server.start(
            [self._bindir / "postgres", "-D", server.folder / "data", *options],
            stop_with=signal.SIGQUIT,
            ready=lambda: self._ask(server, "SELECT 1"),
        )

    def _ask(self, server: PrivateServer, sql: str) -> str:
        psql = [self._bindir / "psql", "-XqAt", "-h", server.folder, "-U", "postgres", "-c", sql]
        return run([str(word) for word in psql], env=server.env)
