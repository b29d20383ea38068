"""Backups of MariaDB and MySQL: a logical dump in one transaction, proved by reading it back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ci_migrate.backup.failure import failed_file, failed_tool
from ci_migrate.backup.mysql_client import find_dump_program
from ci_migrate.backup.mysql_listing import read_dump
from ci_migrate.backup.mysql_options import client_environment, option_file
from ci_migrate.backup.proof import count_tables, missing_tables, unproved
from ci_migrate.backup.request import BackupRequest
from ci_migrate.errors import ProcessError
from ci_migrate.process import run_command

dialect = "mysql"
suffix = ".sql"

_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--no-tablespaces",  # would need the PROCESS privilege
    "--comments",  # the completion mark is one
    "--default-character-set=utf8mb4",
    "--max-allowed-packet=1G",
)
_MYSQL_OPTIONS = ("--set-gtid-purged=OFF", "--column-statistics=0")


def check_tools(request: BackupRequest) -> dict[str, str]:
    """Return the version of the dump program; raises BackupToolError when none fits the server."""
    program = find_dump_program(request.server_version, request.env)
    return {program.path.name: program.version, "program": str(program.path)}


def write_archive(request: BackupRequest, target: Path, tools: Mapping[str, str]) -> None:
    """Dump the database into `target`; raises BackupError with what the dump program said."""
    address = request.address
    program = Path(tools["program"])
    family = () if "mariadb" in tools[program.name].lower() else _MYSQL_OPTIONS
    env = client_environment(request.env)
    with option_file(address, request.env) as options:
        # Not --defaults-extra-file: after it the clients read ~/.my.cnf, which may hold another
        # password, or leave tables out.
        argv = [str(program), f"--defaults-file={options}", *_OPTIONS, *family]
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "wb") as file:
                run_command([*argv, "--", address.database], env=env, stdout=file, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing=program.name, password=address.hidden) from exc
        except OSError as exc:
            raise failed_file(exc, doing="writing the archive", path=target) from exc


def verify_archive(request: BackupRequest, archive: Path, tools: Mapping[str, str]) -> str:
    """Prove that the dump ends with its completion mark and creates every table."""
    try:
        listing = read_dump(archive)
    except OSError as exc:
        raise failed_file(exc, doing="reading the archive back", path=archive) from exc
    if not listing.is_complete:
        raise unproved(archive, "its end is missing (no completion mark of the dump program)")
    own = (None, "", request.address.database)
    missing = [
        (schema, name)
        for schema, name in request.tables
        if schema not in own or name not in listing.tables
    ]
    if missing:
        raise missing_tables(archive, missing)
    program = Path(tools["program"]).name
    return (
        f"{count_tables(request.tables)} and the completion mark found"
        f" in the dump of {program} {tools[program]}"
    )
