"""How an environment is backed up, with every variable filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci_migrate.config.duration import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci_migrate.config.backup_section import BackupSection
    from ci_migrate.config.fill import Filler
    from ci_migrate.config.problems import KeyPath
    from ci_migrate.config.snapshot_sections import RdsSection, SnapshotCommandSection

DEFAULT_DIRECTORY = ".ci-migrate/backups"

SECRET_VARIABLES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_SECRET",
)
"""Variables of stores whose values never appear in any output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettings:
    """Commands of the user's own that handle snapshots; each argv is taken as written."""

    take: tuple[str, ...]
    verify: tuple[str, ...]
    restore: tuple[str, ...] | None
    delete: tuple[str, ...] | None
    seconds: float
    """What each of them may take; 0 for any time."""
    root: Path
    """Absolute folder that they are started in."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be repeated of their output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RdsSettings:
    """An Amazon RDS instance or cluster; one of the two names is empty."""

    instance: str
    cluster: str
    region: str
    """Empty for that of the variables."""
    seconds: float
    """What a snapshot may take; 0 for any time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """The section `backup` of one environment."""

    backend: str
    """`auto`, `postgres`, `mysql`, `sqlite`, `mariadb-backup`, `command`, `rds` or `none`."""
    store: str
    """Absolute path of a directory, or the URL of an object store."""
    encrypt_to: tuple[str, ...] = ()
    """Public keys; none for archives that are not encrypted."""
    identity_env: str | None = None
    """Name of the variable with the private key."""
    identity_file: str | None = None
    """Path of the file with the private key, as written, from `Environment.root`."""
    keep: int | None = None
    keep_days: int | None = None
    count_rows: str = "auto"
    """`auto`, `all` or `none`."""
    format: str = ""
    jobs: int = 1
    compress: str = ""
    exclude_schemas: tuple[str, ...] = ()
    exclude_tables: tuple[str, ...] = ()
    command: CommandSettings | None = None
    rds: RdsSettings | None = None

    @property
    def is_remote(self) -> bool:
        """Whether the archives leave this machine."""
        return "://" in self.store


def fill_backup(
    section: BackupSection,
    filler: Filler,
    path: KeyPath,
    *,
    root: Path,
    env: Mapping[str, str],
) -> BackupSettings:
    """Return the settings of a section; the secrets of its store and its private key become known as such."""
    if section.store is not None and "://" in section.store.removeprefix("file://"):
        store = filler.require_text(section.store, (*path, "store"))
    else:
        key = "directory" if section.store is None else "store"
        folder = (section.store or section.directory or DEFAULT_DIRECTORY).removeprefix("file://")
        store = str(filler.require_folder(folder, (*path, key), root))
    texts = (section.encrypt_to,) if isinstance(section.encrypt_to, str) else section.encrypt_to
    filled = filler.fill_each(texts, (*path, "encrypt_to"))
    filler.keep_secrets(
        line for name in _secret_variables(section) for line in env.get(name, "").splitlines()
    )
    return BackupSettings(
        backend=section.backend,
        store=store,
        encrypt_to=tuple(
            line.strip() for text in filled for line in text.splitlines() if line.strip()
        ),
        identity_env=section.identity_env,
        identity_file=filler.fill_optional(section.identity_file, (*path, "identity_file")),
        keep=section.keep,
        keep_days=section.keep_days,
        count_rows=section.count_rows,
        format=section.format or "",
        jobs=section.jobs,
        compress=section.compress or "",
        exclude_schemas=filler.fill_each(section.exclude_schemas, (*path, "exclude_schemas")),
        exclude_tables=filler.fill_each(section.exclude_tables, (*path, "exclude_tables")),
        command=_read_command(section.command, root) if section.command else None,
        rds=_fill_rds(section.rds, filler, (*path, "rds")) if section.rds else None,
    )


def _secret_variables(section: BackupSection) -> tuple[str, ...]:
    identity = (section.identity_env,) if section.identity_env else ()
    return (*SECRET_VARIABLES, *identity, *(section.command.secrets if section.command else ()))


def _read_command(section: SnapshotCommandSection, root: Path) -> CommandSettings:
    return CommandSettings(
        take=section.take,
        verify=section.verify,
        restore=section.restore,
        delete=section.delete,
        seconds=parse_duration(section.timeout),
        root=root,
    )


def _fill_rds(section: RdsSection, filler: Filler, path: KeyPath) -> RdsSettings:
    instance, cluster = section.instance or "", section.cluster or ""
    return RdsSettings(
        instance=filler.require_text(instance, (*path, "instance")) if instance else "",
        cluster=filler.require_text(cluster, (*path, "cluster")) if cluster else "",
        region=filler.fill(section.region or "", (*path, "region")),
        seconds=parse_duration(section.timeout),
    )
