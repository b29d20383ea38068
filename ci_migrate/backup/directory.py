"""Files of a private directory: exclusive names, rights of the owner only, written through to the disk."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from ci_migrate.backup.failure import failed_file

OWN_DIRECTORY = ".ci-migrate"
SCRATCH_PREFIX = ".ci-migrate-"
"""Begins the name of a folder for temporary files."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def make_directory(directory: Path) -> Path:
    """Create the directory for archives, mode 0700, and return its absolute path.

    `.ci-migrate`, or a folder that is made elsewhere in a git work tree, gets a `.gitignore`: no archive is ever
    committed. What exists is left as it is.
    Raises BackupError when it cannot be made.
    """
    directory = directory.absolute()
    try:
        is_new = not directory.exists() and _is_in_work_tree(directory)
        for part in (*reversed(directory.parents), directory):
            if not part.exists():
                _make_private(part)
        for part in (directory, *directory.parents):
            if part.name == OWN_DIRECTORY:
                _ignore_by_git(part)
                is_new = False
        if not directory.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(directory))
        if is_new:
            _ignore_by_git(directory)
    except OSError as exc:
        raise failed_file(exc, doing="making the backup directory", path=directory) from exc
    return directory


def name_archive(environment: str, run_id: str, now: datetime) -> str:
    """Return the archive's name without its ending: `ENVIRONMENT-YYYYMMDDTHHMMSSZ-RUNID8`."""
    run = re.sub(r"[^A-Za-z0-9]+", "", run_id)[:8] or "run"
    return f"{_place_of(environment)}-{now:%Y%m%dT%H%M%SZ}-{run}"


def may_be_of(name: str, environment: str) -> bool:
    """Return whether a file may be of an environment, by the name that `name_archive` would give it."""
    return re.match(rf"{re.escape(_place_of(environment))}-\d{{8}}T\d{{6}}Z-", name) is not None


def _place_of(environment: str) -> str:
    place = re.sub(r"[^A-Za-z0-9._-]+", "-", environment).strip(".-") or "environment"
    return place[:100]


def open_exclusive(path: Path) -> int:
    """Create a file, mode 0600 whatever the umask, and return its descriptor for writing.

    Raises FileExistsError when anything is there already, a symlink too; other OSErrors as is.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def flush_to_disk(path: Path) -> None:
    """Write a file and its directory entry through to the disk; raises OSError."""
    for place, flags in ((path, os.O_RDWR | _NO_FOLLOW), (path.parent, os.O_RDONLY)):
        descriptor = os.open(place, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_readable(path: Path) -> BinaryIO:
    """Open a file for reading, unbuffered; raises OSError, also for a symlink."""
    return os.fdopen(os.open(path, os.O_RDONLY | _NO_FOLLOW), "rb", buffering=0)


def publish(path: Path, final: Path) -> None:
    """Give a file its final name; raises FileExistsError when the name is taken, other OSErrors as is."""
    try:
        os.link(path, final, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links: then an empty file takes the name first.
        os.close(open_exclusive(final))
        path.replace(final)
    else:
        path.unlink()


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return  # another run was faster
    directory.chmod(0o700)


def _is_in_work_tree(directory: Path) -> bool:
    return any((part / ".git").exists() for part in directory.parents)


def _ignore_by_git(directory: Path) -> None:
    try:
        descriptor = open_exclusive(directory / ".gitignore")
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("*\n")
