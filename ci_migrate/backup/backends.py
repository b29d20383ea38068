"""How a backup is made: one backend per kind of database, found by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ci_migrate.backup import mysql, postgres, sqlite
from ci_migrate.backup.request import BackupRequest
from ci_migrate.errors import ConfigError

NO_BACKUP = "none"
AUTO = "auto"


class Backend(Protocol):
    """What a backend module offers; every failure is a BackupError."""

    dialect: str
    """The only dialect it can back up."""
    suffix: str
    """Ending of its archives, with the dot."""

    def check_tools(self, request: BackupRequest) -> dict[str, str]:
        """Return the versions of the programs it would use, by name; touch nothing.

        Raises BackupToolError when one is missing, or older than the server.
        """

    def write_archive(self, request: BackupRequest, target: Path, tools: Mapping[str, str]) -> None:
        """Write the database into `target`, an existing empty file."""

    def verify_archive(
        self, request: BackupRequest, archive: Path, tools: Mapping[str, str]
    ) -> str:
        """Prove that the archive is whole and names every table; return how, in words."""


BACKENDS: dict[str, Backend] = {"postgres": postgres, "mysql": mysql, "sqlite": sqlite}


def choose_backend(name: str, dialect: str) -> str:
    """Return the backend's name, `auto` resolved by the dialect of the database.

    Raises ConfigError when there is no such backend, or when it is for another kind of database.
    """
    if name == NO_BACKUP:
        return name
    fitting = [known for known, backend in BACKENDS.items() if backend.dialect == dialect]
    if name == AUTO and fitting:
        return fitting[0]
    choices = ", ".join([AUTO, *fitting, NO_BACKUP])
    if name not in BACKENDS:
        raise ConfigError(
            f"there is no backup backend {name!r} for a {dialect} database",
            next_step=f"Set backup.backend to one of: {choices}.",
        )
    if name not in fitting:
        raise ConfigError(
            f"the backup backend {name!r} cannot back up a {dialect} database",
            next_step=f"Set backup.backend to one of: {choices}.",
        )
    return name
