"""What taking, proving and restoring a backup need to know, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from ci_migrate.config.backup_settings import CommandSettings, RdsSettings
from ci_migrate.database.activity import Written
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.times import format_time

if TYPE_CHECKING:
    from ci_migrate.backup.stores.protocol import Store

TableName = tuple["str | None", str]
"""Schema (None on MariaDB and SQLite) and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOptions:
    """How a backend makes its archive; a backend refuses what it does not know."""

    format: str = ""
    """PostgreSQL: `custom` or `directory`; empty for the backend's own choice."""
    jobs: int = 1
    """Connections that dump at the same time, and load into an empty database; more need the format `directory`."""
    compress: str = ""
    """`gzip`, `lz4`, `zstd` or `none`, with a level after a colon; empty for the backend's own choice."""
    exclude_schemas: tuple[str, ...] = ()
    """Schemas that are left out, by exact name."""
    exclude_tables: tuple[str, ...] = ()
    """Tables that are left out, as `name` or `schema.name`."""
    command: CommandSettings | None = None
    """Commands of the user's own; also there where another backend takes the backups by now."""
    rds: RdsSettings | None = None
    """The same for Amazon RDS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a backup is of, and which run made it, as its manifest says."""

    backup: str = ""
    """Name of the backup in its store."""
    environment: str = ""
    database: str = ""
    host: str = ""
    dialect: str = ""
    heads: tuple[str, ...] = ()
    run_id: str = ""
    started: str = ""
    """UTC, ISO 8601 with milliseconds and a trailing Z."""


def say_nothing(_text: str) -> None:
    """Hear progress that nobody wants to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRequest:
    """One database that is to be backed up, and where the archive goes."""

    name: str = ""
    """Name of the backup in its store; chosen when it is taken."""
    environment: str
    run_id: str
    run_url: str = ""
    command: str = ""
    """Of ci-migrate: what the backup is taken before."""
    address: DatabaseAddress
    server_version: str
    """As the server says it: `15.18`, `10.11.19-MariaDB`, `3.45.1`."""
    server_major: int
    tables: tuple[TableName, ...]
    """Every table that the archive must name; tables of extensions left out."""
    heads: tuple[str, ...]
    """Version rows at the time of the backup."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """`character_set` and `collation` of the database itself, as its server calls them."""
    shapes: Mapping[TableName, str] = field(default_factory=dict)
    """What the definition of each table comes to."""
    objects: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the definition of each thing that is no table comes to, by kind."""
    lost_history: tuple[str, ...] = ()
    """System-versioned tables of which a dump can hold the present rows only (MariaDB)."""
    activity: Mapping[TableName, Written] = field(default_factory=dict)
    """What had been written to the tables so far, where the server counts it."""
    expected_bytes: int = 0
    """About how large the archive may get, for the size of the parts that a store is sent; 0 for unknown."""
    store: Store
    encrypt_to: tuple[str, ...] = ()
    """age recipients; empty for an archive that is not encrypted."""
    run_recipient: str = ""
    """Public half of a key of this run alone, for a proof that has to read the encrypted archive again."""
    options: BackupOptions = field(default_factory=BackupOptions)
    env: Mapping[str, str]
    """Environment of the run: PATH, HOME, RUNNER_TEMP, and what the database clients read."""
    now: datetime
    """Start of the backup, UTC."""
    snapshot: str = ""
    """Exported snapshot (PostgreSQL) whose state is dumped; empty for the state at the start."""
    read_rows: Callable[[], Mapping[TableName, int]] = dict
    """Called when the archive is written; returns the rows of the tables that it holds exactly so."""
    tell: Callable[[str], None] = say_nothing
    """Hears how it goes on, from any thread; what it is told may hold secrets."""

    @property
    def origin(self) -> Origin:
        """What the backup is of, once it has its name."""
        return Origin(
            backup=self.name,
            environment=self.environment,
            database=self.address.database,
            host=self.address.host or self.address.socket,
            dialect=self.address.dialect,
            heads=self.heads,
            run_id=self.run_id,
            started=format_time(self.now),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """What an archive has to hold, and the means to see whether it does."""

    name: str
    """Name of the archive, for messages."""
    database: str
    tables: tuple[TableName, ...]
    format: str = ""
    tools: Mapping[str, str]
    """Programs and versions, from `check_tools` or `find_tools` of the backend."""
    env: Mapping[str, str]
    options: BackupOptions = field(default_factory=BackupOptions)
    origin: Origin = field(default_factory=Origin)
    tell: Callable[[str], None] = say_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """How an archive is loaded into a database."""

    format: str = ""
    """As the manifest says it."""
    tools: Mapping[str, str]
    """Programs and versions, from `find_tools` of the backend."""
    env: Mapping[str, str]
    properties: Mapping[str, str] = field(default_factory=dict)
    """As the manifest says them; given to a database that can take them later (MariaDB, MySQL)."""
    clear: str = ""
    """SQL that empties the target first, in the session that loads; empty where it has nothing in it."""
    finish: str = ""
    """SQL that runs when all of the archive is loaded, in the session that loads (MariaDB, MySQL)."""
    keep_owner: bool = True
    """Whether owners and grants are brought back, too; a scratch server has none of the roles."""
    replaces: bool = False
    """Whether the target is the environment's own database, with all that is in it now."""
    options: BackupOptions = field(default_factory=BackupOptions)
    origin: Origin = field(default_factory=Origin)
    tell: Callable[[str], None] = say_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRequest:
    """A backup that is given up, for what lies outside of its store."""

    env: Mapping[str, str]
    options: BackupOptions
    origin: Origin
