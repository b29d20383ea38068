"""How an archive is restored: the command for the report of a run that went wrong."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from ci_migrate.backup.backends.snapshot import SUFFIX
from ci_migrate.backup.encryption import SUFFIX as ENCRYPTED_SUFFIX
from ci_migrate.backup.mysql_character_set import describe_character_set
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.models import Backup

COPY_SUFFIX = ".xbstream"


def restore_command(backup: Backup, address: DatabaseAddress, environment: str) -> str:
    """Return the command, without a password, that brings the backup back; empty without an archive.

    A snapshot, or the copy of a whole server, is brought back by us, or by hand as we then say.
    """
    if not backup.location:
        return ""
    archive = backup.location.rpartition("/")[2].removesuffix(ENCRYPTED_SUFFIX)
    if archive.endswith((SUFFIX, COPY_SUFFIX)):
        name = archive.removesuffix(SUFFIX).removesuffix(COPY_SUFFIX)
        return restore_by_us(environment, name)
    fetch, place = fetch_commands(backup.location)
    return fetch + _restore(shlex.quote(place), address, backup.properties)


def restore_by_us(environment: str, backup: str) -> str:
    """Return our own command for the backup of this name; for the newest without a name."""
    argv = ["ci-migrate", "backup", "restore", "--environment", environment]
    return shlex.join([*argv, backup] if backup else argv)


def fetch_commands(location: str) -> tuple[str, str]:
    """Return the commands that bring a plain archive to this machine, and its path."""
    steps, place = [], location
    if "://" in location:
        place = location.rpartition("/")[2]
        program = {"s3": "aws s3 cp", "gs": "gcloud storage cp"}.get(location.partition(":")[0])
        steps.append(
            f"{program} {shlex.quote(location)} {shlex.quote(place)}"
            if program
            else f"az storage blob download -c {shlex.quote(location.split('/')[2])}"
            f" -n {shlex.quote('/'.join(location.split('/')[3:]))} -f {shlex.quote(place)}"
        )
    if place.endswith(".age"):
        plain = place.removesuffix(".age")
        steps.append(f"age -d -i KEY_FILE -o {shlex.quote(plain)} {shlex.quote(place)}")
        place = plain
    if place.endswith(".tar"):
        folder = place.removesuffix(".tar")
        steps.append(
            f"mkdir {shlex.quote(folder)} && tar -xf {shlex.quote(place)} -C {shlex.quote(folder)}"
        )
        place = folder
    return "".join(f"{step} && " for step in steps), place


def _restore(archive: str, address: DatabaseAddress, properties: Mapping[str, str]) -> str:
    name = shlex.quote(address.database)
    if address.dialect == "sqlite":
        return f"cp {archive} {name} && rm -f {name}-wal {name}-shm"
    host = address.host or address.socket
    if address.dialect == "postgresql":
        where = _options({"-h": host, "-p": address.port, "-U": address.user})
        # The archive makes the database itself: with its owner, encoding, locale, settings and grants.
        other = "template1" if address.database == "postgres" else "postgres"
        return (
            f"dropdb{where} --if-exists --force {name}"
            f" && pg_restore{where} --exit-on-error --create -d {other} {archive}"
        )
    where = _options(
        {"-h": address.host, "-S": address.socket, "-P": address.port, "-u": address.user}
    )
    quoted = address.database.replace("`", "``")
    dress = describe_character_set(properties)
    fresh = shlex.quote(f"DROP DATABASE `{quoted}`; CREATE DATABASE `{quoted}`{dress}")
    where += " -p" if address.password else ""  # asks for it, also where there is none
    return f"mariadb{where} -e {fresh} && mariadb{where} {name} < {archive}"


def _options(values: dict[str, str | int | None]) -> str:
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in values.items() if value)
