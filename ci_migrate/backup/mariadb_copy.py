"""A copy that mariadb-backup made: the programs that handle it, what is in it, and how it is brought back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.backup.client_version import VERSION_SECONDS, programs_in_path
from ci_migrate.backup.request import TableName
from ci_migrate.backup.restore_advice import fetch_commands
from ci_migrate.errors import BackupToolError, ProcessError
from ci_migrate.process import run_command

_RELEASE = re.compile(r"MariaDB server (\d[\w.-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyTools:
    """The program that copies and prepares, and the one that unpacks."""

    program: Path
    version: str
    unpack: Path

    def described(self) -> dict[str, str]:
        """Return them for a manifest."""
        return {
            "mariadb-backup": self.version,
            "program": str(self.program),
            "mbstream": str(self.unpack),
        }


def find_copy_tools(env: Mapping[str, str]) -> CopyTools:
    """Return the first mariadb-backup in PATH with its mbstream; raises BackupToolError."""
    looked = f"looked in PATH ({env.get('PATH') or 'empty'})"
    install = "Install it, e.g. `apt-get install mariadb-backup`, or take `backend: mysql`."
    for program in programs_in_path(("mariadb-backup", "mariabackup"), env):
        if not (version := _ask_version(program)):
            continue
        for unpack in programs_in_path(("mbstream",), env):
            return CopyTools(program=program, version=version, unpack=unpack)
        raise BackupToolError(f"mbstream was not found; {looked}", next_step=install)
    raise BackupToolError(f"mariadb-backup was not found; {looked}", next_step=install)


def _ask_version(program: Path) -> str:
    # It answers on stderr.
    try:
        done = run_command([str(program), "--version"], env={}, timeout=VERSION_SECONDS)
    except ProcessError:
        return ""
    match = _RELEASE.search(done.stderr + done.stdout)
    return match[1] if match else ""


def missing_in_copy(
    folder: Path, database: str, tables: Iterable[TableName]
) -> tuple[TableName, ...]:
    """Return the tables of a database that have no definition in the copy."""
    places = [place for place in folder.iterdir() if re.fullmatch(_pattern(database), place.name)]
    found = [path.name.removesuffix(".frm") for place in places for path in place.glob("*.frm")]
    return tuple(
        table
        for table in tables
        if not any(re.fullmatch(_pattern(table[1]), name) for name in found)
    )


def _pattern(name: str) -> str:
    """Return a pattern of the file name that the server makes of a name; letters beyond ASCII in any spelling."""
    return "".join(_spell(character) for character in name)


def _spell(character: str) -> str:
    if re.fullmatch(r"[0-9A-Za-z_]", character):
        return character
    return f"@{ord(character):04x}" if character.isascii() else "@[0-9A-Za-z]{2,4}"


def server_commands(location: str, datadir: str) -> str:
    """Return the commands that bring a copy back in the place of all files of its server, one a line."""
    return "\n".join(_commands(location, datadir.rstrip("/") or "/var/lib/mysql"))


def _commands(location: str, datadir: str) -> Iterator[str]:
    fetch, place = fetch_commands(location)
    if fetch:
        yield fetch.removesuffix(" && ")
    files, before = shlex.quote(datadir), shlex.quote(datadir + ".before")
    yield f"mkdir copy && mbstream -x -C copy < {shlex.quote(place)}"
    yield "mariadb-backup --prepare --target-dir=copy"
    yield "systemctl stop mariadb"
    yield f"mv {files} {before} && mkdir -m 700 {files}"
    yield f"mariadb-backup --copy-back --target-dir=copy --datadir={files}"
    yield f"chown -R mysql:mysql {files}"
    yield "systemctl start mariadb"
