"""Backups of MariaDB by `mariadb-backup`: a copy of the whole server's files, proved by preparing it."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.client_version import version_numbers
from ci_migrate.backup.failure import failed_tool
from ci_migrate.backup.mariadb_copy import CopyTools, find_copy_tools, missing_in_copy
from ci_migrate.backup.mysql_client import find_load_program
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
from ci_migrate.errors import BackupError, BackupToolError, ProcessError
from ci_migrate.process import run_command
from ci_migrate.words import counted

dialects = frozenset({"mysql"})
LAST_FILE = "xtrabackup_info"
"""What the program writes last: without it the copy is not whole."""
_USE_A_DUMP = "Run ci-migrate on the machine of the server, or take `backend: mysql`, which dumps over the network."
_RIGHTS = (
    "Grant the role in the environment's url RELOAD, PROCESS, LOCK TABLES and BINLOG MONITOR ON *.*,"
    " and let the user who runs this read the server's files."
)


def archive_format(options: BackupOptions) -> str:  # noqa: ARG001 as every backend
    """Return `xbstream`."""
    return "xbstream"


def archive_suffix(options: BackupOptions) -> str:  # noqa: ARG001 as every backend
    """Return the ending of its archives."""
    return ".xbstream"


def leaves_out(options: BackupOptions, table: TableName) -> bool:  # noqa: ARG001 as every backend
    """Return no: a copy has everything."""
    return False


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return versions and places of the programs, and where the server keeps its files.

    Raises BackupToolError when a program is missing or of another release than the server, or when the files of
    the server are not on this machine.
    """
    if "mariadb" not in request.server_version.lower():
        raise BackupToolError(
            f"mariadb-backup cannot copy MySQL {request.server_version}",
            next_step="Take `backend: mysql`.",
        )
    tools = find_copy_tools(request.env)
    if version_numbers(tools.version)[:2] != version_numbers(request.server_version)[:2]:
        raise BackupToolError(
            f"mariadb-backup {tools.version} is not of the server's release, {request.server_version}",
            next_step="Install the `mariadb-backup` package of the server's release here.",
        )
    return {**tools.described(), "datadir": str(_find_files(request))}


def _find_files(request: BackupRequest) -> Path:
    """Return the folder of the server's files; raises BackupToolError when they are not within reach."""
    address = request.address
    program = find_load_program(request.server_version, request.env)
    question = "SELECT @@hostname, @@datadir"
    with option_file(address, request.env) as options:
        argv = [str(program.path), f"--defaults-file={options}", "-N", f"--execute={question}"]
        try:
            done = run_command(argv, env=client_environment(request.env))
        except ProcessError as exc:
            raise failed_tool(exc, doing=program.path.name, password=address.hidden) from exc
    host, _, folder = done.stdout.strip("\n").partition("\t")
    # A folder of this name can be here, too, and belong to another server.
    if host != platform.node():
        raise BackupToolError(
            f"mariadb-backup copies the files of the server, which are on {host}; this machine is {platform.node()}",
            next_step=_USE_A_DUMP,
        )
    try:
        next(Path(folder).iterdir(), None)
    except OSError as exc:
        raise BackupToolError(
            f"mariadb-backup copies the files of the server, and {folder} cannot be read: {exc.strerror}",
            next_step=f"Run this as a user who may read it (root, mysql). In a container: {_USE_A_DUMP}",
        ) from exc
    return Path(folder)


def write_archive(request: BackupRequest, output: ArchiveOutput, tools: Mapping[str, str]) -> str:
    """Stream a copy of the server's files; raises BackupError with what mariadb-backup said."""
    address = request.address
    with (
        option_file(address, request.env) as options,
        tempfile.TemporaryDirectory(dir=output.scratch) as folder,
    ):
        argv = [tools["program"], f"--defaults-file={options}", "--backup", "--stream=xbstream"]
        argv += [f"--target-dir={folder}", f"--tmpdir={folder}"]
        env = client_environment(request.env)
        try:
            run_command(argv, env=env, stdout=output.file, tied=True)
        except ProcessError as exc:
            failed = failed_tool(exc, doing="mariadb-backup", password=address.hidden)
            if "denied" in exc.stderr:
                failed.next_step = _RIGHTS
            raise failed from exc
    return ""


def verify_archive(request: ProofRequest, source: ArchiveSource) -> str:
    """Prove that the copy can be unpacked and prepared, as a restore does first, and has a file for every table."""
    program, unpack = request.tools["program"], request.tools["mbstream"]
    with tempfile.TemporaryDirectory(dir=source.scratch) as folder:
        try:
            run_command([unpack, "-x", "-C", folder], env=request.env, stdin=source.file, tied=True)
            if not (Path(folder) / LAST_FILE).exists():
                raise unproved(request.name, f"its end is missing ({LAST_FILE} is not in it)")
            argv = [program, "--prepare", f"--target-dir={folder}"]
            run_command(argv, env=client_environment(request.env), tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing="preparing the copy", password="") from exc
        missing = missing_in_copy(Path(folder), request.database, request.tables)
    if missing:
        raise missing_tables(request.name, missing)
    return f"{counted(len(request.tables), 'table')} found in the copy of the server, which was prepared"


def find_tools(made_by: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Return place and version of a mariadb-backup of the release that made the copy."""
    tools: CopyTools = find_copy_tools(env)
    made = made_by.get("mariadb-backup", "")
    if version_numbers(tools.version)[:2] != version_numbers(made)[:2]:
        raise BackupToolError(
            f"the copy was made by mariadb-backup {made}, here is {tools.version}",
            next_step="Install the `mariadb-backup` package of that release here.",
        )
    return tools.described()


def restore_archive(
    request: RestoreRequest,  # noqa: ARG001 as every backend
    source: ArchiveSource,  # noqa: ARG001 as every backend
    target: DatabaseAddress,
) -> None:
    """Refuse: a copy of a whole server takes the place of all its files while it is stopped. Raises BackupError."""
    raise BackupError(
        f"a copy of a whole server cannot be loaded into the database {target.database}",
        next_step="It is brought back on the machine of the server; `ci-migrate backup restore` shows the commands.",
    )
