"""Backups of MariaDB and MySQL: a logical dump in one transaction, proved by reading it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.checksum import CHUNK_BYTES
from ci_migrate.backup.failure import failed_tool
from ci_migrate.backup.mysql_character_set import describe_character_set
from ci_migrate.backup.mysql_client import find_dump_program, find_load_program
from ci_migrate.backup.mysql_listing import read_dump
from ci_migrate.backup.mysql_options import client_environment, option_file
from ci_migrate.backup.proof import missing_tables, unproved
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    ProofRequest,
    RestoreRequest,
    TableName,
)
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.database.versioned import dumps_history
from ci_migrate.errors import ProcessError
from ci_migrate.process import feed_command, run_command
from ci_migrate.words import counted

dialects = frozenset({"mysql"})
_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--skip-add-locks",  # a table whose key comes from a sequence could not be loaded under its lock
    "--no-tablespaces",  # would need the PROCESS privilege
    "--comments",  # the completion mark is one
    "--default-character-set=utf8mb4",
    "--max-allowed-packet=1G",
)
_LOAD_OPTIONS = (
    "--default-character-set=utf8mb4",
    "--max-allowed-packet=1G",
    "--binary-mode",  # else a line break of Windows in a routine becomes another one
)
_MYSQL_OPTIONS = ("--set-gtid-purged=OFF", "--column-statistics=0")


def archive_format(options: BackupOptions) -> str:  # noqa: ARG001 as every backend
    """Return `sql`."""
    return "sql"


def archive_suffix(options: BackupOptions) -> str:  # noqa: ARG001 as every backend
    """Return the ending of its archives."""
    return ".sql"


def leaves_out(options: BackupOptions, table: TableName) -> bool:
    """Return whether the options leave a table out of the archive."""
    return table[1] in options.exclude_tables


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return the version of the dump program; raises BackupToolError when none fits the server."""
    program = find_dump_program(request.server_version, request.env)
    return {program.path.name: program.version, "program": str(program.path)}


def write_archive(request: BackupRequest, output: ArchiveOutput, tools: Mapping[str, str]) -> str:
    """Dump the database; raises BackupError with what the dump program said."""
    address = request.address
    program = Path(tools["program"])
    family = () if "mariadb" in tools[program.name].lower() else _MYSQL_OPTIONS
    env = client_environment(request.env)
    with option_file(address, request.env) as options:
        # Not --defaults-extra-file: after it the clients read ~/.my.cnf, which may hold another
        # password, or leave tables out.
        argv = [str(program), f"--defaults-file={options}", *_OPTIONS, *family]
        if dumps_history(request.server_version) and not request.lost_history:
            argv.append("--dump-history")
        argv += [f"--ignore-table={address.database}.{n}" for n in request.options.exclude_tables]
        try:
            run_command([*argv, "--", address.database], env=env, stdout=output.file, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing=program.name, password=address.hidden) from exc
    return ""


def verify_archive(request: ProofRequest, source: ArchiveSource) -> str:
    """Prove that the dump is of this database, creates every table, and ends with its completion mark."""
    listing = read_dump(source.file)
    if not listing.is_complete:
        raise unproved(request.name, "its end is missing (no completion mark of the dump program)")
    if listing.database is not None and listing.database != request.database:
        raise unproved(
            request.name, f"it is of database {listing.database!r}, not {request.database!r}"
        )
    own = (None, "", request.database)
    missing = [
        (schema, name)
        for schema, name in request.tables
        if schema not in own or name not in listing.tables
    ]
    if missing:
        raise missing_tables(request.name, missing)
    return f"{counted(len(request.tables), 'table')} and the completion mark found in the dump"


def find_tools(made_by: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Return place and version of a client of the family that made the dump."""
    program = find_load_program(" ".join(made_by.values()), env)
    return {program.path.name: program.version, "program": str(program.path)}


def restore_archive(
    request: RestoreRequest, source: ArchiveSource, target: DatabaseAddress
) -> None:
    """Load the dump into a database; raises BackupError with what the client said."""
    program = Path(request.tools["program"])
    env = client_environment(request.env)
    with option_file(target, request.env) as options:
        argv = [str(program), f"--defaults-file={options}", *_LOAD_OPTIONS]
        try:
            if statement := _alter(target.database, request.properties):
                run_command([*argv, f"--execute={statement}"], env=env)
            argv += ["--", target.database]
            if request.clear:
                feed_command(argv, _script(request, source.file), env=env, tied=True)
            else:
                run_command(argv, env=env, stdin=source.file, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing=program.name, password=target.hidden) from exc


def _alter(database: str, properties: Mapping[str, str]) -> str:
    """Return the statement that gives a database the character set of the one that was dumped."""
    dress = describe_character_set(properties)
    quoted = database.replace("`", "``")
    return f"ALTER DATABASE `{quoted}`{dress}" if dress else ""


def _script(request: RestoreRequest, dump: BinaryIO) -> Iterator[bytes]:
    yield request.clear.encode()
    while data := dump.read(CHUNK_BYTES):
        yield data
    yield request.finish.encode()
