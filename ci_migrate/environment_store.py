"""Where the backups of an environment live, with the copies of its ledger, and how they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ci_migrate.config.environment import Environment

if TYPE_CHECKING:
    from ci_migrate.backup.request import BackupOptions
    from ci_migrate.backup.stores.protocol import Store


def open_environment_store(environment: Environment, env: Mapping[str, str]) -> Store:
    """Return the store that the environment's configuration names; nothing is connected to yet."""
    from ci_migrate.backup.stores.opening import open_store

    return open_store(environment.backup.store, root=environment.root, env=env)


def load_environment_identities(environment: Environment, env: Mapping[str, str]) -> list[Any]:
    """Return the private keys that the configuration names for reading encrypted archives; none may be there."""
    from ci_migrate.backup.identities import load_identities

    return load_identities(environment.backup, root=environment.root, env=env)


def read_backup_options(environment: Environment) -> BackupOptions:
    """Return how the environment's backups are made and looked after, as the configuration says it."""
    from ci_migrate.backup.request import BackupOptions

    settings = environment.backup
    command = settings.command
    return BackupOptions(
        format=settings.format,
        jobs=settings.jobs,
        compress=settings.compress,
        exclude_schemas=settings.exclude_schemas,
        exclude_tables=settings.exclude_tables,
        command=replace(command, secrets=environment.secrets) if command else None,
        rds=settings.rds,
    )
