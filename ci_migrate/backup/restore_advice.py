"""How an archive is restored by hand: the command for the report of a run that went wrong."""

from __future__ import annotations

import shlex

from ci_migrate.database.address import DatabaseAddress
from ci_migrate.models import Backup


def restore_command(backup: Backup, address: DatabaseAddress) -> str:
    """Return the command, without a password, that brings the backup back; empty without an archive."""
    archive, name = shlex.quote(backup.location), shlex.quote(address.database)
    if not backup.location:
        return ""
    if address.dialect == "sqlite":
        return f"cp {archive} {name} && rm -f {name}-wal {name}-shm"
    host = address.host or address.socket
    if address.dialect == "postgresql":
        where = _options({"-h": host, "-p": address.port, "-U": address.user})
        return (
            f"dropdb{where} --if-exists --force {name} && createdb{where} {name}"
            f" && pg_restore{where} --exit-on-error -d {name} {archive}"
        )
    where = _options(
        {"-h": address.host, "-S": address.socket, "-P": address.port, "-u": address.user}
    )
    quoted = address.database.replace("`", "``")
    fresh = shlex.quote(f"DROP DATABASE `{quoted}`; CREATE DATABASE `{quoted}`")
    where += " -p" if address.password else ""  # asks for it, also where there is none
    return f"mariadb{where} -e {fresh} && mariadb{where} {name} < {archive}"


def _options(values: dict[str, str | int | None]) -> str:
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in values.items() if value)
