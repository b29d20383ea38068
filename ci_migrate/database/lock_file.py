"""The lock of a SQLite database: a file beside it, locked as long as its holder lives."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ci_migrate.errors import DatabaseUnreachableError


@contextmanager
def hold_lock_file(
    database_file: str, holder: Callable[[], str], poll: Callable[..., None]
) -> Iterator[Callable[[], bool]]:
    """Hold the lock of a database file and yield what tells whether it is still held.

    `holder` returns who takes it and since when; `poll` is called with what tries once and what names the
    present holder, and returns when the first was successful.
    """
    path = _path_beside(database_file)
    opened: list[int] = []

    def take() -> bool:
        descriptor = _open_and_lock(path)
        if descriptor is not None:
            opened.append(descriptor)
        return descriptor is not None

    poll(take, lambda: _read_holder(path))
    descriptor = opened[0]
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"holder": holder()}).encode(), 0)
        yield lambda: _is_same_file(descriptor, path)
    finally:
        if _is_same_file(descriptor, path):
            path.unlink()
        os.close(descriptor)


def find_holder_of_file(database_file: str, *, unsigned: str) -> str:
    """Return who holds the lock of a database file, `unsigned` where the holder has not said so.

    Empty when nobody does, or when another user's file does not tell.
    """
    path = _path_beside(database_file)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_holder(path) or unsigned
    except OSError:  # a file system without locks
        return ""
    finally:
        os.close(descriptor)
    return ""


def _path_beside(database_file: str) -> Path:
    return Path(database_file + ".ci-migrate.lock")


def _open(path: Path) -> int:
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(path, flags, 0o600)
    except OSError as exc:
        raise DatabaseUnreachableError(
            f"cannot create the lock file {path}: {exc.strerror}",
            next_step="Remove what is there: only a file of ci-migrate may have that name."
            if os.path.lexists(path)
            else "The folder of the SQLite database must exist and be writable.",
        ) from exc
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise DatabaseUnreachableError(
        f"the lock file {path} is not a regular file",
        next_step="Remove what is there: only a file of ci-migrate may have that name.",
    )


def _open_and_lock(path: Path) -> int | None:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    # The holder removes the file when it is done: a lock on a removed file protects nothing.
    if not _is_same_file(descriptor, path):
        os.close(descriptor)
        return None
    return descriptor


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _read_holder(path: Path) -> str:
    try:
        return str(json.loads(path.read_text("utf-8"))["holder"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
