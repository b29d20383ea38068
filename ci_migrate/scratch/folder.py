"""Private folders for servers and files: mode 0700, locked while in use, swept when forgotten."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ci_migrate.errors import ScratchError
from ci_migrate.keeper import LOCK_FILE
from ci_migrate.scratch.name import is_forgotten, scratch_name

LONGEST_SOCKET = 100
"""Bytes of a Unix socket's path that every system takes."""
_SOCKET = "/.s.PGSQL.5432"
_TEMPORARY = "/tmp"  # noqa: S108 - a folder of mode 0700 is made there


def make_folder(environment: str, run_id: str, now: datetime, env: Mapping[str, str]) -> Path:
    """Return a new folder, mode 0700, whose path is short enough for a socket; sweeps old ones.

    It lies in `RUNNER_TEMP` or `TMPDIR` where that is set. Raises ScratchError.
    """
    name = scratch_name(environment, run_id, now)
    for place in _places(env):
        sweep_folders(place, now)
        folder = place / name
        if len(os.fsencode(folder)) + len(_SOCKET) > LONGEST_SOCKET:
            continue
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            continue
        return folder
    raise ScratchError(
        f"no folder for a scratch database can be made in {', '.join(map(str, _places(env)))}",
        next_step="Set TMPDIR to a folder with a short path that can be written.",
    )


@contextmanager
def held_folder(
    environment: str, run_id: str, now: datetime, env: Mapping[str, str]
) -> Iterator[Path]:
    """Yield a new private folder that is removed on leaving, or swept by a later run."""
    folder = make_folder(environment, run_id, now, env)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep_folders(place: Path, now: datetime) -> None:
    """Remove the folders of runs that were killed: ours by name, owner and age, and locked by nobody."""
    try:
        found = [path for path in place.iterdir() if is_forgotten(path.name, now)]
    except OSError:
        return
    for folder in found:
        if _is_ours(folder) and not _is_locked(folder / LOCK_FILE):
            # A server that lives on without its keeper sees its files go, and ends.
            shutil.rmtree(folder, ignore_errors=True)


def _places(env: Mapping[str, str]) -> list[Path]:
    named = [env.get("RUNNER_TEMP"), env.get("TMPDIR"), tempfile.gettempdir(), _TEMPORARY]
    return list(dict.fromkeys(Path(place).absolute() for place in named if place))


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    # Root hands folders to the user that its servers run as.
    return stat.S_ISDIR(found.st_mode) and os.geteuid() in {0, found.st_uid}


def _is_locked(path: Path) -> bool:
    try:
        lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
