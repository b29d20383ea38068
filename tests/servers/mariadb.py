"""A private MariaDB server."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from urllib.parse import quote

from tests.servers.private_server import KILL, PrivateServer, find_free_port, run

ROLE = "tester"
ROLE_PASSWORD = (
    "t%st@er:/ 'p#ss"  # every sign that a URL, a defaults file or a shell can stumble over
)


def find_mariadb(path: str) -> Path | None:
    """Return the server program: on the search path, or where distributions put it beside that."""
    found = shutil.which("mariadbd", path=f"{path}:/usr/sbin:/usr/local/sbin")
    installer = shutil.which("mariadb-install-db", path=path)
    return Path(found) if found and installer else None


def read_version(server: Path) -> str:
    """Return the version of the server program, `10.11.19` for example."""
    answer = run([str(server), "--no-defaults", "--version"], env={"PATH": os.defpath})
    return answer.split(" Ver ")[1].split("-")[0]


class MariadbServer:
    """MariaDB on a Unix socket (`root`, no password) and on 127.0.0.1 (password).

    `tester` with `ROLE_PASSWORD` has all rights, for the tests that need a password.
    """

    def __init__(self, program: Path, *, durable: bool = False) -> None:
        """Start it; `durable`: what is committed outlives a crash of the server."""
        self.program = program
        self._flush = 2 if durable else 0
        self.version = read_version(program)
        self.port = find_free_port()
        self._numbers = itertools.count(1)
        self._server = PrivateServer("cm-my-", run_as=("mysql", "nobody"), probe=program)
        self.socket = self._server.folder / "s"
        self._start()
        self.create_role(ROLE, ROLE_PASSWORD, superuser=True)

    def _start(self) -> None:
        folder = self._server.folder
        self._server.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ]
        )
        self._server.start(
            [
                self.program,
                "--no-defaults",
                f"--datadir={folder / 'data'}",
                f"--socket={self.socket}",
                f"--pid-file={folder / 'pid'}",
                "--bind-address=127.0.0.1",
                f"--port={self.port}",
                "--skip-name-resolve",
                f"--innodb-flush-log-at-trx-commit={self._flush}",
                "--innodb-buffer-pool-size=32M",
                "--innodb-log-file-size=8M",
                "--character-set-server=utf8mb4",
            ],
            stop_with=KILL,
            ready=lambda: self.run_sql("SELECT 1"),
        )
        # Nobody without a name, and on TCP nobody without a password.
        self.run_sql(
            "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host != 'localhost')"
        )
        self.run_sql("FLUSH PRIVILEGES")

    def run_sql(self, sql: str, database: str = "mysql") -> str:
        """Run statements as root and return the rows, columns separated by tabs."""
        client = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "-NB"]
        return run([*client, f"--database={database}", f"--execute={sql}"], env=self._server.env)

    def create_database(self) -> str:
        """Create an empty database of its own and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.run_sql(f"CREATE DATABASE `{name}`")
        return self.url(name)

    def create_role(self, name: str, password: str, *, superuser: bool = False) -> None:
        """Create a user that logs in with a password, over TCP too; without `superuser` it has no rights."""
        literal = password.replace("\\", "\\\\").replace("'", "''")
        self.run_sql(f"CREATE USER `{name}`@`%` IDENTIFIED BY '{literal}'")
        if superuser:
            self.run_sql(f"GRANT ALL ON *.* TO `{name}`@`%` WITH GRANT OPTION")

    def url_of_role(self, database_url: str, role: str, rights: str) -> str:
        """Return the URL of a database for a new role that has these rights on it alone."""
        password, name = "pa55word of it", database_url.partition("?")[0].rpartition("/")[2]
        self.create_role(role, password)
        self.run_sql(f"GRANT {rights} ON `{name}`.* TO `{role}`")
        return self.tcp_url(name, role=role, password=password)

    def url(self, database: str, *, driver: str = "pymysql") -> str:
        """Return the URL of a database on the Unix socket, as root without a password."""
        return f"mysql+{driver}://root@/{database}?unix_socket={self.socket}"

    def tcp_url(
        self,
        database: str,
        *,
        role: str = ROLE,
        password: str = ROLE_PASSWORD,
        driver: str = "pymysql",
    ) -> str:
        """Return the URL of a database on 127.0.0.1, with a password."""
        login = f"{quote(role, safe='')}:{quote(password, safe='')}"
        return f"mysql+{driver}://{login}@127.0.0.1:{self.port}/{database}"

    def crash_and_restart(self) -> None:
        """Kill the server and start it again."""
        self._server.restart(self._server.folder / "pid", KILL)

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._server.stop()
