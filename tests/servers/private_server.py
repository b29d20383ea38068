"""What the private database servers have in common: a short folder, no root, and an end with the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.servers import keeper

START_SECONDS = 60


class ServerError(Exception):
    """A server did not start, or a command for it failed; the message ends with what was printed."""


class PrivateServer:
    """A server process in a folder of its own under /tmp, where a Unix socket's path stays short."""

    def __init__(self, prefix: str, *, run_as: Sequence[str], probe: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        home = str(self.folder)
        # MariaDB clears its folder for temporary files when it starts, whoever they belong to.
        self.env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": home, "TMPDIR": home}
        self.unprivileged = drop_root(run_as, probe, self.folder)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._again: Callable[[], None] = lambda: None

    def run(self, argv: Sequence[str | Path]) -> str:
        """Run a command that prepares the server, as the user that the server runs as."""
        try:
            return run([*self.unprivileged, *map(str, argv)], env=self.env)
        except ServerError:
            self.stop()
            raise

    def start(
        self, argv: Sequence[str | Path], *, stop_with: int, ready: Callable[[], str]
    ) -> None:
        """Start the server and wait until `ready` no longer raises."""
        self._again = lambda: self.start(argv, stop_with=stop_with, ready=ready)
        command = [sys.executable, keeper.__file__, str(self.folder), str(int(stop_with))]
        self._keeper = subprocess.Popen(
            [*command, *self.unprivileged, *map(str, argv)],
            stdin=subprocess.PIPE,
            env=self.env,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ready()
            except ServerError:
                if self._keeper.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace")[-2000:]
                    self.stop()
                    raise ServerError(f"{argv[0]} did not start:\n{log}") from None
                time.sleep(0.05)
            else:
                return

    def restart(self, pid_file: Path, number: int) -> None:
        """Hit the server with a signal that ends it, and start it anew on its data."""
        os.kill(int(pid_file.read_text().split()[0]), number)
        if self._keeper is not None:
            # It ends with its server, and then leaves the folder alone.
            self._keeper.wait(timeout=30)
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
        self._again()

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            self._keeper.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)


def run(argv: Sequence[str], *, env: dict[str, str]) -> str:
    """Run a client program and return what it printed."""
    done = subprocess.run(
        argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ServerError(f"{' '.join(argv)}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def drop_root(users: Sequence[str], probe: Path, folder: Path) -> list[str]:
    """Return the words before a command that keep it from running as root; PostgreSQL refuses root.

    The first of `users` that can execute `probe` owns `folder` from then on. Where none can (a virtual environment in
    root's home), a user namespace makes root look like somebody else to the program.
    """
    if os.geteuid() != 0:
        return []
    for name in users:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if can_run([*prefix, str(probe), "--version"]):
            os.chown(folder, user.pw_uid, user.pw_gid)
            folder.chmod(0o755)
            return prefix
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


def can_run(argv: Sequence[str]) -> bool:
    """Return whether a command starts and succeeds."""
    try:
        return subprocess.run(argv, cwd="/", capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find_free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


KILL = int(signal.SIGKILL)
"""For a server whose data is thrown away anyway."""
