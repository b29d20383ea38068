"""The bytes of a file of the project, which may be anything that somebody committed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 16 << 20
"""No revision, and no env.py, is that large; what is larger is not text that somebody wrote."""


def read_file_bytes(path: Path) -> bytes:
    """Return the content of a regular file; raises OSError for every other, and for a very large one."""
    # Without waiting: a pipe would block until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if found.st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"it is larger than {MOST_BYTES >> 20} MB", str(path))
        return file.read()
