"""The backends by name, and which of them fits a database."""

from __future__ import annotations

from dataclasses import asdict

from ci_migrate.backup.backends import (
    command,
    mariadb_backup,
    mysql,
    postgres,
    rds,
    sqlite,
)
from ci_migrate.backup.backends.protocol import Backend
from ci_migrate.backup.backends.snapshot import SnapshotBackend
from ci_migrate.backup.request import BackupOptions
from ci_migrate.errors import BackupError, ConfigError

NO_BACKUP = "none"
AUTO = "auto"

BACKENDS: dict[str, Backend] = {
    "postgres": postgres,
    "mysql": mysql,
    "sqlite": sqlite,
    "mariadb-backup": mariadb_backup,
    "command": SnapshotBackend(command),
    "rds": SnapshotBackend(rds),
}
"""By name; `auto` is the first of them that fits the database."""

OPTIONS: dict[str, frozenset[str]] = {
    "postgres": frozenset({"format", "jobs", "compress", "exclude_schemas", "exclude_tables"}),
    "mysql": frozenset({"exclude_tables"}),
}
"""Fields of BackupOptions that a backend knows."""

_OF_SNAPSHOTS = frozenset({"command", "rds"})
"""Fields that no backend refuses: its older backups may be snapshots."""


def choose_backend(name: str, dialect: str) -> str:
    """Return the backend's name, `auto` resolved by the dialect of the database.

    Raises ConfigError when there is no such backend, or when it is for another kind of database.
    """
    if name == NO_BACKUP:
        return name
    fitting = [known for known, backend in BACKENDS.items() if dialect in backend.dialects]
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


def refuse_options(name: str, options: BackupOptions) -> None:
    """Raise ConfigError for options that the backend does not know."""
    given = [
        key
        for key, default in asdict(BackupOptions()).items()
        if getattr(options, key) != default
        and key not in OPTIONS.get(name, frozenset()) | _OF_SNAPSHOTS
    ]
    if given:
        raise ConfigError(
            f"the backup backend {name!r} does not know backup.{given[0]}",
            next_step=f"Leave out backup.{' and backup.'.join(given)}.",
        )


def backend_of(name: str) -> Backend:
    """Return the backend that a manifest names; raises BackupError for an unknown one."""
    if name not in BACKENDS:
        raise BackupError(
            f"the backup was made by the backend {name!r}, which this version does not know",
            next_step="Use the version of ci-migrate that made it, or a newer one.",
        )
    return BACKENDS[name]
