"""A temporary file with a password, for clients that must not see it in their arguments."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ci_migrate.backup.failure import failed_file
from ci_migrate.stops import held_stops

PREFIX = "ci-migrate-"
FORGOTTEN_SECONDS = 60
"""Age from which a file that nobody has locked belongs to a run that was killed."""


@contextmanager
def secret_file(text: str, *, suffix: str, env: Mapping[str, str]) -> Iterator[Path]:
    """Yield the path of a file (mode 0600) that holds the text and is gone afterwards.

    It lies in `RUNNER_TEMP` where that is set. What a killed run left beside it is removed by the next.
    """
    named = env.get("RUNNER_TEMP") or env.get("TMPDIR")
    place = Path(named) if named and Path(named).is_dir() else Path(tempfile.gettempdir())
    _sweep(place, suffix)
    path = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=PREFIX, suffix=suffix, dir=place)
        path = Path(name)
        file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # until it is closed, or this process is gone
        file.write(text)
        file.flush()
    except OSError as exc:
        if path is not None:
            path.unlink(missing_ok=True)
        raise failed_file(exc, doing="writing the password file", path=place) from exc
    try:
        yield path
    finally:
        with held_stops():
            path.unlink(missing_ok=True)
            file.close()


def _sweep(place: Path, suffix: str) -> None:
    """Remove the files of this kind that killed runs left: ours by name and owner, old, and locked by nobody."""
    for path in place.glob(f"{PREFIX}*{suffix}"):
        with suppress(OSError):  # another run removes it at the same moment
            found = path.lstat()
            is_old = time.time() - found.st_mtime > FORGOTTEN_SECONDS
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and is_old:
                _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)
