"""Which dump program to use for MariaDB or MySQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.backup.client_version import ask_version, programs_in_path, version_numbers
from ci_migrate.errors import BackupToolError

PROGRAMS = ("mariadb-dump", "mysqldump")
LOAD_PROGRAMS = ("mariadb", "mysql")

# `Ver 10.19 Distrib 10.11.19-MariaDB`, `from 11.4.2-MariaDB, client 10.19`, `Ver 8.0.36 for Linux`:
# the first number of the first two forms is that of the program, not of the release.
_RELEASE = re.compile(r"(?:Distrib|from) (\d[\w.-]*)")
_PLAIN_RELEASE = re.compile(r"Ver (\d[\w.-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpProgram:
    """A dump program and its release."""

    path: Path
    version: str
    is_mariadb: bool

    @property
    def release(self) -> tuple[int, ...]:
        """Major and minor number; the patch level makes no difference to a dump."""
        return version_numbers(self.version)[:2]


def find_dump_program(server_version: str, env: Mapping[str, str]) -> DumpProgram:
    """Return the first dump program in PATH that is not older than the server.

    A program of the server's own family comes first. MariaDB's may dump MySQL, not the other way.
    Raises BackupToolError, which names what was seen.
    """
    is_mariadb = "mariadb" in server_version.lower()
    release = version_numbers(server_version)[:2]
    seen = [one for path in programs_in_path(PROGRAMS, env) if (one := _look_at(path))]
    same = [one for one in seen if one.is_mariadb == is_mariadb]
    for program in same:
        if program.release >= release:
            return program
    if not is_mariadb:
        for program in seen:
            if program.is_mariadb:
                return program
    raise _no_program(server_version, is_mariadb, seen, env)


def find_load_program(made_by: str, env: Mapping[str, str]) -> DumpProgram:
    """Return the first client in PATH of the family that made a dump; raises BackupToolError.

    The other family's stumbles over comments of the first line.
    """
    is_mariadb = "mariadb" in made_by.lower()
    seen = [one for path in programs_in_path(LOAD_PROGRAMS, env) if (one := _look_at(path))]
    for program in seen:
        if program.is_mariadb == is_mariadb:
            return program
    family = "mariadb" if is_mariadb else "mysql"
    raise BackupToolError(
        f"no {family} client was found to load the dump; looked in PATH ({env.get('PATH') or 'empty'})",
        next_step=f"Install one, e.g. `apt-get install {family}-client`, and put its directory into PATH.",
    )


def read_release(said: str) -> str:
    """Return the release in the output of `--version`; empty when there is none."""
    match = _RELEASE.search(said) or _PLAIN_RELEASE.search(said)
    return match.group(1).rstrip(".,-") if match else ""


def _look_at(path: Path) -> DumpProgram | None:
    # No variable may matter here: the answer is that of the program.
    said = ask_version(path, {})
    version = read_release(said)
    if not version:
        return None
    return DumpProgram(path=path, version=version, is_mariadb="mariadb" in said.lower())


def _no_program(
    server_version: str, is_mariadb: bool, seen: list[DumpProgram], env: Mapping[str, str]
) -> BackupToolError:
    server = f"{'MariaDB' if is_mariadb else 'MySQL'} {server_version}"
    if seen:
        found = ", ".join(f"{program.version} at {program.path}" for program in seen)
        message = f"no dump program found fits the server ({server}): {found}"
    else:
        looked = env.get("PATH") or "empty"
        message = f"neither mariadb-dump nor mysqldump was found; looked in PATH ({looked})"
    package = "mariadb-client" if is_mariadb else "mysql-client"
    return BackupToolError(
        message,
        next_step="Install one that is not older than the server,"
        f" e.g. `apt-get install {package}`, and put its directory into PATH.",
    )
