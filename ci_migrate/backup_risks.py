"""What is unwise about how an environment keeps its backups, in words for a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ci_migrate.config.backup_rules import SNAPSHOTS
from ci_migrate.config.environment import Environment

PRODUCTION_NAMES = frozenset({"live", "prod", "production"})


def find_risks(environment: Environment, env: Mapping[str, str]) -> Iterator[str]:
    """Yield what may be regretted: no encryption of production's rows, archives that end with their runner."""
    backup = environment.backup
    if backup.backend == "none":
        return
    is_dump = backup.backend not in SNAPSHOTS
    if is_dump and is_like_production(environment) and not backup.encrypt_to:
        yield (
            f"the backups of {environment.name} are not encrypted: whoever reads {backup.store} reads every row."
            " Name public keys in `backup.encrypt_to`"
        )
    if not backup.is_remote and env.get("RUNNER_ENVIRONMENT") == "github-hosted":
        what = "backup" if is_dump else "record of the snapshot"
        later = (
            "it cannot be restored"
            if is_dump
            else "`backup list`, `restore` and `keep` do not know it"
        )
        yield (
            f"the {what} of {environment.name} is on this GitHub-hosted runner only, whose disk is thrown away"
            f" after the job: {later} tomorrow. Name a bucket in `backup.store`"
        )


def is_like_production(environment: Environment) -> bool:
    """Return whether an environment holds what others were promoted to be ready for."""
    return environment.promote_from is not None or environment.name.lower() in PRODUCTION_NAMES
