"""A private MariaDB: the installed one, and how it is started."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from ci_migrate.backup.client_version import ask_version, version_numbers
from ci_migrate.backup.mysql_client import read_release
from ci_migrate.database.traits import Traits
from ci_migrate.errors import ScratchError
from ci_migrate.scratch.private_server import Recipe

SUPERUSER = "root"
_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
_SERVE = (
    "--no-defaults",
    "--datadir={folder}/data",
    "--socket={folder}/s",
    "--pid-file={folder}/pid",
    "--skip-networking",
    "--skip-name-resolve",
    "--event-scheduler=OFF",  # the copy's events must not run
    "--performance-schema=ON",
    "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",  # who holds which lock
    "--innodb-flush-log-at-trx-commit=0",
    "--max-allowed-packet=1G",
)


def choose_mariadb(traits: Traits, env: Mapping[str, str]) -> tuple[Path, Path, str]:
    """Return the installed server program, its installer and its release, which is not older.

    Raises ScratchError, also for MySQL: of that only a server in `scratch_url` will do.
    """
    path = f"{env.get('PATH', '')}:{_PLACES}"
    server = shutil.which("mariadbd", path=path)
    installer = shutil.which("mariadb-install-db", path=path)
    next_step = "Name a server where databases may be created in `scratch_url`"
    if "mariadb" not in traits.version.lower():
        raise ScratchError(
            f"a private MySQL {traits.version} cannot be started here, only MariaDB can",
            next_step=f"{next_step}.",
        )
    next_step += ", or install it, e.g. `apt-get install mariadb-server`."
    if not server or not installer:
        raise ScratchError(
            "no MariaDB server is installed here (mariadbd, mariadb-install-db)",
            next_step=next_step,
        )
    release = read_release(ask_version(Path(server), {}))
    if version_numbers(release)[:2] < version_numbers(traits.version)[:2]:
        raise ScratchError(
            f"the MariaDB server installed here ({release}) is older than the environment's"
            f" ({traits.version})",
            next_step=next_step,
        )
    return Path(server), Path(installer), release


def mariadb_recipe(traits: Traits, env: Mapping[str, str]) -> Recipe:
    """Return how a private server like the environment's is made; raises ScratchError."""
    server, installer, release = choose_mariadb(traits, env)
    install = (
        "--no-defaults",
        "--datadir={folder}/data",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
    )
    like = tuple(f"--{name.replace('_', '-')}={value}" for name, value in traits.settings.items())
    return Recipe(
        name=f"MariaDB {release.partition('-')[0]}",
        program=server,
        prepare=(str(installer), *install),
        serve=(str(server), *_SERVE, *like),
        users=("mysql", "nobody"),
        socket="s",
        stop_with=signal.SIGKILL,  # its files are thrown away
    )
