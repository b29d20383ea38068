"""Backups of SQLite: a copy by the online backup API, proved by an integrity check."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ci_migrate.backup.proof import count_tables, missing_tables, unproved
from ci_migrate.backup.request import BackupRequest
from ci_migrate.errors import BackupError

dialect = "sqlite"
suffix = ".sqlite"

BUSY_SECONDS = 60.0
"""How long to wait for a process that holds the database exclusively."""
_TRY_SECONDS = 0.5
_PAGES_PER_STEP = 2048


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return the version of the SQLite library, which is part of Python."""
    if request.address.database in {"", ":memory:"}:
        raise BackupError(
            "an in-memory SQLite database cannot be backed up",
            next_step="Name a file in the environment's url: sqlite:///path/to/app.db.",
        )
    return {"sqlite": sqlite3.sqlite_version}


def write_archive(
    request: BackupRequest,
    target: Path,
    tools: Mapping[str, str],  # noqa: ARG001 as every backend
) -> None:
    """Copy the database into `target`; a file that is missing or empty gives an empty database.

    The source is never created. Raises BackupError when it is locked for long or no database.
    """
    source = Path(request.address.database)
    try:
        with closing(_open(target, "mode=rw")) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # flushed once, by the caller
            copy.execute("PRAGMA journal_mode=OFF")
            if source.exists():
                _copy(source, copy)
            if not copy.execute("PRAGMA page_count").fetchone()[0]:
                copy.execute("PRAGMA user_version=0")  # writes the first page of an empty database
    except sqlite3.Error as exc:
        raise BackupError(
            f"copying the SQLite database {source} failed: {exc}", next_step=_next_step(exc)
        ) from exc


def verify_archive(request: BackupRequest, archive: Path, tools: Mapping[str, str]) -> str:
    """Prove by SQLite's integrity check that the copy is sound and holds every table."""
    try:
        # Immutable: no -wal and -shm file appears beside an archive of a WAL database.
        with closing(_open(archive, "mode=ro&immutable=1")) as copy:
            report = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
            names = {row[0] for row in copy.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as exc:
        raise unproved(archive, str(exc)) from exc
    if report != ["ok"]:
        raise unproved(archive, f"integrity check: {'; '.join(report)}")
    missing = [table for table in request.tables if table[1] not in names]
    if missing:
        raise missing_tables(archive, missing)
    return f"{count_tables(request.tables)} and integrity_check ok (SQLite {tools['sqlite']})"


def _open(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?{options}", uri=True, isolation_level=None, timeout=_TRY_SECONDS
    )


def _copy(source: Path, copy: sqlite3.Connection) -> None:
    # mode=rw does not create the file, but lets SQLite roll back what a crashed process left.
    with closing(_open(source, "mode=rw")) as database:
        _begin_reading(database)
        deadline = time.monotonic() + BUSY_SECONDS
        left = -1

        def watch(_status: int, remaining: int, _total: int) -> None:
            # Called after every step; without it Python would wait for ever, deaf to signals.
            nonlocal deadline, left
            if remaining != left:
                left, deadline = remaining, time.monotonic() + BUSY_SECONDS
            elif time.monotonic() > deadline:
                raise sqlite3.OperationalError("database is locked")

        database.backup(copy, pages=_PAGES_PER_STEP, progress=watch)


def _begin_reading(database: sqlite3.Connection) -> None:
    """Hold one state of the database, so that writers cannot make the copy start again."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as exc:
            if database.in_transaction:
                database.execute("ROLLBACK")
            if "locked" not in str(exc) or time.monotonic() > deadline:
                raise
        else:
            return


def _next_step(exc: sqlite3.Error) -> str:
    said = str(exc)
    if "locked" in said:
        return "Another process holds the database; end its transaction and run again."
    if "full" in said:
        return "Free space, or set backup.directory to a larger disk; then run again."
    if "not a database" in said or "malformed" in said:
        return "The file is damaged, encrypted, or no SQLite database; restore it first."
    return "Check that the file can be read by the user who runs this, and run again."
