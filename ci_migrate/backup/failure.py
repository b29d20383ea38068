"""What went wrong in a backup, told without secrets and with a next step."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from ci_migrate.errors import BackupError, ProcessError
from ci_migrate.redact import Redactor, one_line, plain, without_row_data

LAST_LINES = 5
LONGEST_LINE = 400

_DISK = "Free space, or set backup.directory to a larger disk; then run again."
_NEXT_STEPS = (
    (
        r"No space left|disk is full|Disk quota exceeded|File too large|(?:Errcode:|errno) (28|122|27)\b",
        _DISK,
    ),
    (
        r"server version mismatch",
        "Install a client of the server's major version and put it first in PATH.",
    ),
    (
        r"row-level security|row security",
        "Back up as a role with BYPASSRLS, or as the owner of the tables.",
    ),
    (
        r"password authentication failed|no password supplied|Access denied for user .* \(using",
        "Check the user and the password in the environment's url.",
    ),
    (
        r"(?i)(permission|access|command) denied|privilege",
        (
            "Grant the role in the environment's url the right to read everything"
            " (PostgreSQL: pg_read_all_data; MariaDB: SELECT, SHOW VIEW, TRIGGER, EVENT,"
            " LOCK TABLES, and SELECT on mysql.proc for routines)."
        ),
    ),
    (
        r"(?i)lock timeout|lock wait timeout",
        "Another session holds a lock on the table for long; wait for it or end it, and run again.",
    ),
    (
        r"(?i)could not connect|connection to server|can't connect|could not translate host",
        "Check that the machine that runs this reaches the database under the environment's url.",
    ),
)
_OS_NEXT_STEPS = {
    errno.ENOSPC: _DISK,
    errno.EDQUOT: _DISK,
    errno.EFBIG: _DISK,
    errno.EACCES: "Give the user who runs this the right to write there, or set backup.directory.",
    errno.EPERM: "Give the user who runs this the right to write there, or set backup.directory.",
    errno.EROFS: "Set backup.directory to a place that can be written.",
    errno.ENOTDIR: "Set backup.directory to a directory; a part of its path is a file.",
    errno.EEXIST: "Set backup.directory to a directory; there is something else at its path.",
}
_ASK_AGAIN = "Nothing was changed. Remove the cause and run again."


def failed_tool(exc: ProcessError, *, doing: str, password: str) -> BackupError:
    """Return the BackupError of a client that failed: its last lines, redacted, and what to do."""
    said = last_lines(exc.stderr, password=password)
    message = f"{doing} failed: {exc.message}" + (f":\n{said}" if said else "")
    return BackupError(message, next_step=next_step_for(exc.stderr or exc.message))


def failed_file(exc: OSError, *, doing: str, path: Path) -> BackupError:
    """Return the BackupError of a file that could not be made, read or written."""
    where = exc.filename if isinstance(exc.filename, str) else str(path)
    return BackupError(
        f"{doing} failed: {one_line(where)}: {exc.strerror or exc}",
        next_step=_OS_NEXT_STEPS.get(exc.errno or 0, _ASK_AGAIN),
    )


def last_lines(stderr: str, *, password: str) -> str:
    """Return the last lines of a client's output without secrets, row data, control characters."""
    secrets = (password,) if password else ()
    text = without_row_data(plain(Redactor(secrets).clean(stderr)))
    lines = [one_line(line, LONGEST_LINE) for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-LAST_LINES:])


def next_step_for(said: str) -> str:
    """Return what to do about the text of a database client's failure."""
    for pattern, next_step in _NEXT_STEPS:
        if re.search(pattern, said):
            return next_step
    return _ASK_AGAIN
