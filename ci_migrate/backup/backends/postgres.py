"""Backups of PostgreSQL: an archive of pg_dump, proved and brought back by pg_restore."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.checksum import CHUNK_BYTES
from ci_migrate.backup.failure import failed_tool
from ci_migrate.backup.postgres_client import find_client, find_clients
from ci_migrate.backup.postgres_connection import connection_environment
from ci_migrate.backup.postgres_folder import pack_folder, unpack_contents
from ci_migrate.backup.postgres_listing import Listing, find_missing, in_one_line, read_listing
from ci_migrate.backup.postgres_options import DIRECTORY, choose_client, dump_arguments
from ci_migrate.backup.postgres_options import leaves_out as is_excluded
from ci_migrate.backup.postgres_restore import (
    fill_empty,
    reachable_archive,
    replace_contents,
)
from ci_migrate.backup.proof import missing_tables, unproved
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    ProofRequest,
    RestoreRequest,
    TableName,
)
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import ProcessError
from ci_migrate.process import feed_command, run_command
from ci_migrate.words import counted

dialects = frozenset({"postgresql"})

LOCK_WAIT_MILLISECONDS = 600_000
"""How long pg_dump may wait for a table that another session holds exclusively."""

END_MARK = b"\0\0\0\0\0"
"""The custom format closes every block of rows with the number 0: a sign byte and four bytes."""


def archive_format(options: BackupOptions) -> str:
    """Return `custom` or `directory`."""
    return options.format or "custom"


def archive_suffix(options: BackupOptions) -> str:
    """Return the ending of its archives."""
    return ".dump.tar" if options.format == DIRECTORY else ".dump"


def leaves_out(options: BackupOptions, table: TableName) -> bool:
    """Return whether the options leave a table out of the archive."""
    return is_excluded(options, *table)


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return versions and place of pg_dump and pg_restore; raises BackupToolError for no pair."""
    clients = find_clients(request.server_version, request.server_major, request.env)
    client = choose_client(clients, request.options, request.env)
    return {
        "pg_dump": client.version,
        "pg_restore": client.version,
        "directory": str(client.directory),
    }


def write_archive(request: BackupRequest, output: ArchiveOutput, tools: Mapping[str, str]) -> str:
    """Dump the database; raises BackupError with what pg_dump said."""
    address, options = request.address, request.options
    folder = output.scratch / "dump"
    argv = [
        str(Path(tools["directory"]) / "pg_dump"),
        f"--format={archive_format(options)}",
        "--no-password",
        f"--lock-wait-timeout={LOCK_WAIT_MILLISECONDS}",
        *dump_arguments(options, tools["pg_dump"]),
    ]
    if options.format == DIRECTORY:
        argv += [f"--file={folder}", f"--jobs={options.jobs}"]
    if request.snapshot:
        argv.append(f"--snapshot={request.snapshot}")
    with connection_environment(address, request.env) as env:
        try:
            run_command(argv, env=env, stdout=output.file, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing="pg_dump", password=address.hidden) from exc
    if options.format == DIRECTORY:
        pack_folder(folder, output)
    return ""


def verify_archive(request: ProofRequest, source: ArchiveSource) -> str:
    """Prove by pg_restore that the archive is whole, of this database, and names every table."""
    list_ = _list_folder if request.format == DIRECTORY else _list_file
    try:
        listing = list_(request, source)
    except ProcessError as exc:
        raise failed_tool(exc, doing="reading the archive back", password="") from exc
    wanted = request.database
    if wanted and wanted.isascii() and listing.database != in_one_line(wanted):
        raise unproved(request.name, f"it is of database {listing.database!r}, not {wanted!r}")
    missing = find_missing(request.tables, listing.tables)
    if missing:
        raise missing_tables(request.name, missing)
    return f"{counted(len(request.tables), 'table')} listed by pg_restore {request.tools['pg_restore']}"


def _list_file(request: ProofRequest, source: ArchiveSource) -> Listing:
    argv = [str(Path(request.tools["directory"]) / "pg_restore"), "--list"]
    env = {**request.env, "LC_ALL": "C"}
    rest = _Rest(source.file)
    if source.path is not None:
        done = run_command([*argv, str(source.path)], env=env)
        rest.skip()
    else:
        done = feed_command(argv, rest.chunks(), env=env)
    listing = read_listing(done.stdout)
    if listing.data and rest.last != END_MARK:
        raise unproved(request.name, "its end is missing")
    return listing


def _list_folder(request: ProofRequest, source: ArchiveSource) -> Listing:
    argv = [str(Path(request.tools["directory"]) / "pg_restore"), "--list"]
    with tempfile.TemporaryDirectory(dir=source.scratch) as place:
        folder = Path(place)
        names = unpack_contents(source, folder, request.name)
        done = run_command([*argv, str(folder)], env={**request.env, "LC_ALL": "C"})
    listing = read_listing(done.stdout)
    present = {name.partition(".")[0] for name in names if ".dat" in name}
    missing = sorted(listing.data - present)
    if missing:
        raise unproved(
            request.name, f"the rows of {len(missing)} tables are missing in it ({missing[0]}.dat)"
        )
    return listing


def find_tools(made_by: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Return place and version of a pg_restore that is not older than the pg_dump of the archive."""
    version = made_by.get("pg_dump", "0")
    client = find_client(version, int(version.partition(".")[0] or 0), env)
    return {"pg_restore": client.version, "directory": str(client.directory)}


def restore_archive(
    request: RestoreRequest, source: ArchiveSource, target: DatabaseAddress
) -> None:
    """Load the archive into a database; raises BackupError with what the client said first."""
    restore = replace_contents if request.clear else fill_empty
    with reachable_archive(request, source) as archive:
        restore(request, archive, target)


class _Rest:
    """The archive's bytes on their way to pg_restore; remembers the last ones."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.last = b""

    def chunks(self) -> Iterator[bytes]:
        """Yield everything."""
        while data := self._file.read(CHUNK_BYTES):
            self.last = (self.last + data)[-len(END_MARK) :]
            yield data

    def skip(self) -> None:
        """Go to the end of a file at once."""
        size = self._file.seek(0, 2)
        self._file.seek(max(size - len(END_MARK), 0))
        self.last = self._file.read()
