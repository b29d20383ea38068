"""Backups of SQLite: a copy by the online backup API, proved by an integrity check."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.checksum import CHUNK_BYTES
from ci_migrate.backup.directory import open_exclusive
from ci_migrate.backup.failure import failed_file
from ci_migrate.backup.pipes import write_all
from ci_migrate.backup.proof import missing_tables, unproved
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    ProofRequest,
    RestoreRequest,
    TableName,
)
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.database.driver_thread import DriverThread
from ci_migrate.errors import BackupError
from ci_migrate.words import counted

dialects = frozenset({"sqlite"})

BUSY_SECONDS = 60.0
"""How long to wait for a process that holds the database exclusively."""
_TRY_SECONDS = 0.5
_PAGES_PER_STEP = 2048


def archive_format(options: BackupOptions) -> str:  # noqa: ARG001 as every backend
    """Return `sqlite`."""
    return "sqlite"


def archive_suffix(options: BackupOptions) -> str:  # noqa: ARG001 as every backend
    """Return the ending of its archives."""
    return ".sqlite"


def leaves_out(options: BackupOptions, table: TableName) -> bool:  # noqa: ARG001 as every backend
    """Return no: a copy has everything."""
    return False


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
    output: ArchiveOutput,
    tools: Mapping[str, str],  # noqa: ARG001 as every backend
) -> str:
    """Copy the database; a file that is missing or empty gives an empty database.

    The source is never created. A stream is fed from a snapshot in the scratch folder.
    Raises BackupError when it is locked for long or no database.
    """
    source = Path(request.address.database)
    if output.path is not None:
        _write_snapshot(source, output.path)
        return ""
    snapshot = output.scratch / "snapshot"
    _write_snapshot(source, _make_file(snapshot))
    with snapshot.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            write_all(output.file, data)
    snapshot.unlink()
    return ""


def verify_archive(request: ProofRequest, source: ArchiveSource) -> str:
    """Prove by SQLite's integrity check that the copy is sound and holds every table."""
    path = source.path or _spool(source)
    try:
        report, names = _check_integrity(path)
    except sqlite3.Error as exc:
        raise unproved(request.name, str(exc)) from exc
    finally:
        if source.path is None:
            path.unlink()
    if report != ["ok"]:
        raise unproved(request.name, f"integrity check: {'; '.join(report)}")
    missing = [table for table in request.tables if table[1] not in names]
    if missing:
        raise missing_tables(request.name, missing)
    return f"{counted(len(request.tables), 'table')} and integrity_check ok (SQLite {sqlite3.sqlite_version})"


def find_tools(made_by: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG001 as every backend
    """Return the version of the SQLite library."""
    return {"sqlite": sqlite3.sqlite_version}


def restore_archive(
    request: RestoreRequest,  # noqa: ARG001 as every backend
    source: ArchiveSource,
    target: DatabaseAddress,
) -> None:
    """Copy the archive over the target in one transaction; processes that have it open see the new state.

    Raises BackupError when one of them holds it for long.
    """
    path = source.path or _spool(source)
    try:
        with (
            closing(_open(path, "mode=ro&immutable=1")) as archive,
            closing(_open(Path(target.database), "mode=rwc")) as database,
        ):
            # Another page size could not be brought into a database in WAL mode; the archive says its own mode.
            _wait(lambda: database.execute("PRAGMA journal_mode=DELETE").fetchone())
            _copy_pages(archive, database)
    except sqlite3.Error as exc:
        raise BackupError(
            f"restoring into the SQLite database {target.database} failed: {exc}",
            next_step=_next_step(exc),
        ) from exc
    finally:
        if source.path is None:
            path.unlink()


def _check_integrity(path: Path) -> tuple[list[str], set[str]]:
    """Return what the check says and the names of what is there.

    In a thread: the check is one call in C that hears no signal. A stop leaves it behind, and it ends with us.
    """

    def check() -> tuple[list[str], set[str]]:
        # Immutable: no -wal and -shm file appears beside an archive of a WAL database.
        with closing(_open(path, "mode=ro&immutable=1")) as copy:
            report = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
            return report, {row[0] for row in copy.execute("SELECT name FROM sqlite_master")}

    thread = DriverThread()
    try:
        return thread.call(check)
    finally:
        thread.end(lambda: None)


def _write_snapshot(source: Path, target: Path) -> None:
    try:
        with closing(_open(target, "mode=rw")) as copy:
            copy.execute("PRAGMA synchronous=OFF")  # flushed once, by the caller
            copy.execute("PRAGMA journal_mode=OFF")
            if source.exists():
                # mode=rw does not create the file, but lets SQLite roll back what a crashed process left.
                with closing(_open(source, "mode=rw")) as database:
                    _begin_reading(database)
                    _copy_pages(database, copy)
            if not copy.execute("PRAGMA page_count").fetchone()[0]:
                copy.execute("PRAGMA user_version=0")  # writes the first page of an empty database
    except sqlite3.Error as exc:
        raise BackupError(
            f"copying the SQLite database {source} failed: {exc}", next_step=_next_step(exc)
        ) from exc


def _make_file(path: Path) -> Path:
    try:
        with open(open_exclusive(path), "wb"):  # noqa: PTH123 a descriptor
            return path
    except OSError as exc:
        raise failed_file(exc, doing="making a temporary file", path=path) from exc


def _spool(source: ArchiveSource) -> Path:
    """Return a temporary file with what a stream holds: SQLite reads files only."""
    path = source.scratch / "archive"
    try:
        with open(open_exclusive(path), "wb") as file:  # noqa: PTH123 a descriptor
            shutil.copyfileobj(source.file, file, CHUNK_BYTES)
    except OSError as exc:
        raise failed_file(exc, doing="writing a temporary file", path=path) from exc
    return path


def _open(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?{options}", uri=True, isolation_level=None, timeout=_TRY_SECONDS
    )


def _copy_pages(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    left = -1

    def watch(_status: int, remaining: int, _total: int) -> None:
        # Called after every step; without it Python would wait for ever, deaf to signals.
        nonlocal deadline, left
        if remaining != left:
            left, deadline = remaining, time.monotonic() + BUSY_SECONDS
        elif time.monotonic() > deadline:
            raise sqlite3.OperationalError("database is locked")

    source.backup(target, pages=_PAGES_PER_STEP, progress=watch)


def _begin_reading(database: sqlite3.Connection) -> None:
    """Hold one state of the database, so that writers cannot make the copy start again."""

    def begin() -> None:
        try:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    _wait(begin)


def _wait(action: Callable[[], object]) -> None:
    """Do something again and again while another process holds the database, for a while."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
        except sqlite3.OperationalError as exc:
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
