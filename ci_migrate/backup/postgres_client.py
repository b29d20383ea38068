"""Which pg_dump and pg_restore to use: the oldest pair that is not older than the server."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.backup.client_version import (
    ask_version,
    is_program,
    programs_in_path,
    version_numbers,
)
from ci_migrate.errors import BackupToolError

SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat packages of the PostgreSQL project
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresClient:
    """A directory with pg_dump and pg_restore of one version."""

    directory: Path
    version: str
    numbers: tuple[int, ...]


def find_client(
    server_version: str,
    server_major: int,
    env: Mapping[str, str],
    places: Iterable[str] = SYSTEM_PLACES,
) -> PostgresClient:
    """Return the oldest client that is not older than the server's major version.

    The oldest, because an archive can only be restored by a client that is not older than the one
    that made it. Looks in PATH and in `places` (shell patterns).
    Raises BackupToolError, which names what was seen.
    """
    return find_clients(server_version, server_major, env, places)[0]


def find_clients(
    server_version: str,
    server_major: int,
    env: Mapping[str, str],
    places: Iterable[str] = SYSTEM_PLACES,
) -> list[PostgresClient]:
    """Return all clients that are not older than the server's major version, the oldest first; as `find_client`."""
    seen = [*_list_clients(env, tuple(places))]
    fitting = [client for client in seen if client.numbers[0] >= server_major]
    if fitting:
        return sorted(fitting, key=lambda client: client.numbers)
    looked = f"PATH ({env.get('PATH') or 'empty'}) and {', '.join(places)}"
    if seen:
        found = ", ".join(f"{client.version} in {client.directory}" for client in seen)
        message = (
            f"every pg_dump found is older than the server (PostgreSQL {server_version}): {found}"
        )
    else:
        message = f"pg_dump with its pg_restore was not found; looked in {looked}"
    raise BackupToolError(
        message,
        next_step=f"Install it, e.g. `apt-get install postgresql-client-{server_major}`"
        " (from the PostgreSQL project where the distribution has an older one), or put the directory"
        " of a newer pg_dump into PATH. An older pg_dump refuses a newer server.",
    )


def _list_clients(env: Mapping[str, str], places: tuple[str, ...]) -> Iterable[PostgresClient]:
    """Yield what is installed, in the order of PATH, then of the system's places."""
    folders = [path.parent for path in programs_in_path(("pg_dump",), env)]
    for place in places:
        folders += [Path(folder) for folder in sorted(glob.glob(place))]  # noqa: PTH207 absolute pattern
    for folder in dict.fromkeys(folder.absolute() for folder in folders):
        client = _look_at(folder, env)
        if client is not None:
            yield client


def _look_at(folder: Path, env: Mapping[str, str]) -> PostgresClient | None:
    dump = folder / "pg_dump"
    if not is_program(dump) or not is_program(folder / "pg_restore"):
        return None
    if dump.resolve().name == "pg_wrapper":
        # Debian's chooser takes another version per cluster; what it chooses from is in `places`.
        return None
    said = ask_version(dump, env)
    numbers = version_numbers(said.partition(")")[2] or said)
    if not numbers:
        return None
    return PostgresClient(
        directory=folder, version=".".join(str(part) for part in numbers), numbers=numbers
    )
