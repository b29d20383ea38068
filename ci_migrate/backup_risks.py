"""What is unwise about how an environment keeps its backups, in words for a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.config.backup_rules import SNAPSHOTS
from ci_migrate.config.environment import Environment
from ci_migrate.errors import BackupError
from ci_migrate.github.event import read_event

PRODUCTION_NAMES = frozenset({"live", "prod", "production"})


def find_risks(environment: Environment, env: Mapping[str, str]) -> Iterator[str]:
    """Yield what may be regretted: no encryption of production's rows, archives that end with their runner."""
    backup = environment.backup
    if backup.backend == "none":
        return
    if published := _find_published(environment, env):
        yield (
            f"{published.repository} is public, and the backup is in its workspace ({published.folder}): everybody"
            " could read every row if a step uploaded it. Name public keys in `backup.encrypt_to`, or a bucket in"
            " `backup.store`"
        )
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


def refuse_publishing(environment: Environment, env: Mapping[str, str]) -> None:
    """Raise BackupError where an archive would go to a folder that a careless step of the workflow publishes.

    Nothing of ours uploads an archive. A step of the user's that uploads the workspace would, and leaves hidden files
    out by default: in a hidden folder an archive is only a risk.
    """
    published = _find_published(environment, env)
    if published is None or published.is_hidden:
        return
    raise BackupError(
        f"{published.repository} is public, and {published.folder} is a folder of its workspace that is not hidden: a"
        " step that uploads an artifact would publish every row",
        next_step="Name public keys in `backup.encrypt_to`, or a bucket in `backup.store`; or leave `backup.directory`"
        " out, then it is a hidden folder.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    """A folder for plain archives in the workspace of a repository whose artifacts everybody can read."""

    repository: str
    folder: Path
    """Relative to the workspace."""

    @property
    def is_hidden(self) -> bool:
        return any(part.startswith(".") for part in self.folder.parts)


def _find_published(environment: Environment, env: Mapping[str, str]) -> _Published | None:
    event, backup = read_event(env), environment.backup
    if event is None or not event.is_public or backup.is_remote or backup.encrypt_to:
        return None
    workspace = Path(env.get("GITHUB_WORKSPACE") or environment.root).resolve()
    folder = Path(backup.store).resolve()
    if backup.backend in {"none", *SNAPSHOTS} or not folder.is_relative_to(workspace):
        return None
    home = event.repository or "the repository"
    return _Published(repository=home, folder=folder.relative_to(workspace))
