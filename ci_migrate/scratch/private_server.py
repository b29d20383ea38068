"""A server of our own: in a private folder, on a Unix socket only, and never longer than we live."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.database.engine import Database
from ci_migrate.errors import DatabaseUnreachableError, ProcessError, ScratchError
from ci_migrate.keeper import ENDED_FILE
from ci_migrate.process import run_command, start_server, wait_or_stop
from ci_migrate.redact import one_line
from ci_migrate.scratch.folder import make_folder
from ci_migrate.scratch.request import ScratchRequest
from ci_migrate.scratch.unprivileged import give_up_root
from ci_migrate.stops import held_stops

START_SECONDS = 60.0
PREPARE_SECONDS = 120.0
STOP_SECONDS = 15.0
_LAST_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a server is made in a folder; `{folder}` in arguments stands for that."""

    name: str
    """For people: `PostgreSQL 15.18`."""
    program: Path
    prepare: tuple[str, ...]
    """Command that makes an empty data directory."""
    serve: tuple[str, ...]
    users: tuple[str, ...]
    """Accounts to run it as when we are root."""
    socket: str
    """Name of its Unix socket in the folder."""
    stop_with: signal.Signals


@contextmanager
def private_server(recipe: Recipe, request: ScratchRequest) -> Iterator[Path]:
    """Yield the folder of a server that is being started; it stops and its folder goes on leaving.

    Raises ScratchError when its data directory cannot be made.
    """
    folder = make_folder(request.environment, request.run_id, request.now(), request.env)
    keeper = None
    try:
        env = _environment(folder, request.env)
        words = give_up_root(recipe.users, recipe.program, folder, env)
        _prepare(recipe, folder, words, env)
        serve = [*words, *_filled(recipe.serve, folder)]
        keeper = start_server(serve, folder=folder, stop_with=recipe.stop_with, env=env)
        yield folder
    except ProcessError as exc:
        raise _unusable(recipe, exc.message, exc.stderr) from exc
    finally:
        with held_stops():
            if keeper is not None and keeper.stdin is not None:
                keeper.stdin.close()
                wait_or_stop(keeper, STOP_SECONDS)
            shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(recipe: Recipe, folder: Path, database: Database) -> None:
    """Wait until the server in a folder answers; raises ScratchError with its last words when it does not."""
    deadline = time.monotonic() + START_SECONDS
    socket, ended = folder / recipe.socket, folder / ENDED_FILE
    while not (socket.exists() or ended.exists() or time.monotonic() > deadline):
        time.sleep(0.02)
    while True:
        try:
            database.run(lambda connection: connection.exec_driver_sql("SELECT 1").close())
        except DatabaseUnreachableError as exc:
            if time.monotonic() > deadline or ended.exists():
                raise _unusable(recipe, exc.message, _log(folder)) from exc
            time.sleep(0.05)
        else:
            return


def _prepare(recipe: Recipe, folder: Path, words: Sequence[str], env: Mapping[str, str]) -> None:
    argv = [*words, *_filled(recipe.prepare, folder)]
    run_command(argv, env=env, cwd=folder, timeout=PREPARE_SECONDS, tied=True)


def _filled(arguments: Sequence[str], folder: Path) -> list[str]:
    return [argument.replace("{folder}", str(folder)) for argument in arguments]


def _environment(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    # None of the run's variables: they name other servers, and hold secrets.
    path = f"{env.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin".lstrip(":")
    return {"PATH": path, "LC_ALL": "C", "HOME": str(folder), "TMPDIR": str(folder)}


def _log(folder: Path) -> str:
    try:
        return (folder / "log").read_text("utf-8", "replace")[-4000:]
    except OSError:
        return ""


def _unusable(recipe: Recipe, message: str, said: str) -> ScratchError:
    lines = [one_line(line, 300) for line in said.splitlines() if line.strip()][-_LAST_LINES:]
    told = ":\n" + "\n".join(lines) if lines else ""
    return ScratchError(
        f"a private {recipe.name} could not be started: {message}{told}",
        next_step="Mend what it says, or name a server where databases may be created in `scratch_url`.",
    )
