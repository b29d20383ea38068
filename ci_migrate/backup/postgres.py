"""Backups of PostgreSQL: pg_dump's custom format, proved by pg_restore."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ci_migrate.backup.failure import failed_file, failed_tool
from ci_migrate.backup.postgres_client import find_client
from ci_migrate.backup.postgres_connection import connection_environment
from ci_migrate.backup.postgres_listing import find_missing, in_one_line, read_listing
from ci_migrate.backup.proof import count_tables, missing_tables, unproved
from ci_migrate.backup.request import BackupRequest
from ci_migrate.errors import ProcessError
from ci_migrate.process import run_command

dialect = "postgresql"
suffix = ".dump"

LOCK_WAIT_MILLISECONDS = 600_000
"""How long pg_dump may wait for a table that another session holds exclusively."""

END_MARK = b"\0\0\0\0\0"
"""The custom format closes every block of rows with the number 0: a sign byte and four bytes."""


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return versions and place of pg_dump and pg_restore; raises BackupToolError for no pair."""
    client = find_client(request.server_version, request.server_major, request.env)
    return {
        "pg_dump": client.version,
        "pg_restore": client.version,
        "directory": str(client.directory),
    }


def write_archive(request: BackupRequest, target: Path, tools: Mapping[str, str]) -> None:
    """Dump the database into `target`; raises BackupError with what pg_dump said."""
    address = request.address
    argv = [
        str(Path(tools["directory"]) / "pg_dump"),
        "--format=custom",
        f"--file={target}",
        "--no-password",
        f"--lock-wait-timeout={LOCK_WAIT_MILLISECONDS}",
    ]
    with connection_environment(address, request.env) as env:
        try:
            run_command(argv, env=env, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing="pg_dump", password=address.hidden) from exc


def verify_archive(request: BackupRequest, archive: Path, tools: Mapping[str, str]) -> str:
    """Prove by pg_restore that the archive is whole, of this database, and names every table."""
    argv = [str(Path(tools["directory"]) / "pg_restore"), "--list", str(archive)]
    try:
        done = run_command(argv, env={**request.env, "LC_ALL": "C"})
    except ProcessError as exc:
        raise failed_tool(exc, doing="reading the archive back", password="") from exc
    listing = read_listing(done.stdout)
    wanted = request.address.database
    if wanted and wanted.isascii() and listing.database != in_one_line(wanted):
        raise unproved(archive, f"it is of database {listing.database!r}, not {wanted!r}")
    missing = find_missing(request.tables, listing.tables)
    if missing:
        raise missing_tables(archive, missing)
    if listing.has_data and not _has_end_mark(archive):
        raise unproved(archive, "its end is missing")
    return f"{count_tables(request.tables)} listed by pg_restore {tools['pg_restore']}"


def _has_end_mark(archive: Path) -> bool:
    try:
        with archive.open("rb") as file:
            file.seek(-len(END_MARK), 2)
            return file.read() == END_MARK
    except OSError as exc:
        raise failed_file(exc, doing="reading the archive back", path=archive) from exc
