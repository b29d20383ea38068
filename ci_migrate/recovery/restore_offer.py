"""The way out where nothing else is sure: which backup to bring back, and by which command."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.restore_advice import restore_by_us
from ci_migrate.config.environment import Environment
from ci_migrate.environment_store import open_environment_store
from ci_migrate.errors import CiMigrateError
from ci_migrate.models import Backup
from ci_migrate.revisions.graph import Graph


def offer_explained_backup(environment: Environment, env: Mapping[str, str], graph: Graph) -> str:
    """Return the command for the newest backup whose revisions all have a file; empty where there is none."""
    return _offer(
        environment, env, lambda backup: all(head in graph.revisions for head in backup.heads)
    )


def offer_backup_of_run(
    environment: Environment, env: Mapping[str, str], backup: Backup | None
) -> str:
    """Return the command for the backup of a run; empty where it is not to be found from here."""
    if backup is None or not backup.location:
        return ""
    archive = backup.location.rpartition("/")[2]
    return _offer(environment, env, lambda found: found.archive == archive)


def _offer(
    environment: Environment, env: Mapping[str, str], is_meant: Callable[[Manifest], bool]
) -> str:
    try:
        found = take_inventory(open_environment_store(environment, env), environment.name)
    except CiMigrateError:
        return ""  # this is an offer beside others, and they stand
    for manifest in reversed(found.backups):
        if is_meant(manifest):
            return (
                f"Or bring back the backup of {manifest.started[:16].replace('T', ' ')} UTC, and lose what was"
                f" written since:\n{restore_by_us(environment.name, manifest.name)}"
            )
    return ""
