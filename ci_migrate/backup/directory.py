"""Where archives lie: a private directory, exclusive names, files that survive a power cut."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from ci_migrate.backup.failure import failed_file
from ci_migrate.errors import BackupError

OWN_DIRECTORY = ".ci-migrate"
MOST_NAMES = 100
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def make_directory(directory: Path) -> Path:
    """Create the directory for archives, mode 0700, and return its absolute path.

    What exists is left as it is. `.ci-migrate` gets a `.gitignore`: no archive is ever committed.
    Raises BackupError when it cannot be made.
    """
    directory = directory.absolute()
    try:
        for part in (*reversed(directory.parents), directory):
            if not part.exists():
                _make_private(part)
        for part in (directory, *directory.parents):
            if part.name == OWN_DIRECTORY:
                _ignore_by_git(part)
        if not directory.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(directory))
    except OSError as exc:
        raise failed_file(exc, doing="making the backup directory", path=directory) from exc
    return directory


def name_archive(environment: str, run_id: str, now: datetime) -> str:
    """Return the archive's name without its ending: `ENVIRONMENT-YYYYMMDDTHHMMSSZ-RUNID8`."""
    place = re.sub(r"[^A-Za-z0-9._-]+", "-", environment).strip(".-") or "environment"
    run = re.sub(r"[^A-Za-z0-9]+", "", run_id)[:8] or "run"
    return f"{place[:100]}-{now:%Y%m%dT%H%M%SZ}-{run}"


def create_archive(directory: Path, name: str, suffix: str) -> Path:
    """Create an empty archive, mode 0600, that did not exist before, and return its path.

    A name that is taken (by an archive or its manifest) gets a number. Raises BackupError.
    """
    for number in range(1, MOST_NAMES):
        stem = name if number == 1 else f"{name}-{number}"
        archive = directory / f"{stem}{suffix}"
        if os.path.lexists(directory / f"{stem}.json"):
            continue
        try:
            os.close(open_exclusive(archive))
        except FileExistsError:
            continue
        except OSError as exc:
            raise failed_file(exc, doing="creating the archive", path=archive) from exc
        return archive
    raise BackupError(
        f"every name for the archive is taken: {directory / name}{suffix}",
        next_step="Look into the backup directory and move old archives away.",
    )


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


def remove_files(*paths: Path) -> None:
    """Remove files that may not exist; raises OSError when one cannot be removed."""
    for path in paths:
        path.unlink(missing_ok=True)


def _make_private(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return  # another run was faster
    directory.chmod(0o700)


def _ignore_by_git(directory: Path) -> None:
    try:
        descriptor = open_exclusive(directory / ".gitignore")
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("*\n")
