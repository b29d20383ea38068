"""The record beside an archive: what it holds, how it was made, how it was proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ci_migrate.backup.checksum import Checksum
from ci_migrate.backup.request import Origin, TableName
from ci_migrate.database.activity import Written

MANIFEST_SUFFIX = ".json"
RUN_SUFFIX = ".run.json"
"""Ends the name of a run's record, which lies beside the manifests and is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known about one backup; no user name and no password is in it."""

    name: str
    """Name of the backup in its store: that of the archive without its ending."""
    archive: str
    """File name of the archive, which lies beside the manifest."""
    location: str
    """Where the archive was written: the path or URL of its file."""
    backend: str
    format: str = ""
    """Format of the archive, in the backend's words."""
    environment: str
    database: str
    host: str
    dialect: str
    server_version: str
    heads: tuple[str, ...]
    tables: tuple[TableName, ...]
    rows: Mapping[TableName, int] = field(default_factory=dict)
    """Rows of the tables that were counted, in the very state that the archive holds."""
    shapes: Mapping[TableName, str] = field(default_factory=dict)
    """What the definition of each table came to; none where tables were left out."""
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the definition of each thing that is no table came to, by kind (`views`, …); none as above."""
    activity: Mapping[TableName, Written] = field(default_factory=dict)
    """What had been written to the tables when the backup began, where the server counts it."""
    sequences: Mapping[TableName, int] = field(default_factory=dict)
    """Last values of sequences that were read, at about the time of the backup."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """What belongs to the database itself and is not in the archive, such as its character set."""
    plain: Checksum
    """Of the archive as the backend wrote it."""
    stored: Checksum
    """Of the file in the store; the same unless it is encrypted."""
    recipients: tuple[str, ...] = ()
    """Public keys that it is encrypted to; none for a plain archive."""
    proof: str = "list"
    """`list`: its contents were read. `restore`: it was restored for trial."""
    verified: str
    """How it was proved, in words; a manifest is written only after that."""
    verified_at: str
    """UTC, ISO 8601 with milliseconds and a trailing Z, as the other times."""
    tools: Mapping[str, str] = field(default_factory=dict)
    ci_migrate: str
    run_id: str
    run_url: str = ""
    command: str = ""
    """The command of ci-migrate that took it before its work; empty where an older version did."""
    started: str
    finished: str

    @property
    def encrypted(self) -> bool:
        """Whether an identity is needed to read the archive."""
        return bool(self.recipients)

    @property
    def file_name(self) -> str:
        """Name of the manifest in the store."""
        return self.name + MANIFEST_SUFFIX

    @property
    def place(self) -> tuple[str, str, str]:
        """Dialect, database and host of what it is of."""
        return (self.dialect, self.database, self.host)

    @property
    def origin(self) -> Origin:
        """What it is of, and which run made it."""
        return Origin(
            backup=self.name,
            environment=self.environment,
            database=self.database,
            host=self.host,
            dialect=self.dialect,
            heads=self.heads,
            run_id=self.run_id,
            started=self.started,
        )
