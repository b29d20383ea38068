"""One environment with every variable filled in: what the stages work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, tzinfo
    from pathlib import Path

    from ci_migrate.config.backup_settings import BackupSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When an environment may be changed."""

    days: frozenset[int]
    """0 for Monday to 6 for Sunday."""
    begins: int
    """Minutes of the day."""
    ends: int
    """Minutes of the day; not later than `begins` where the window goes over midnight."""
    zone: tzinfo
    zone_name: str
    freeze: tuple[tuple[date, date], ...]
    """First and last days without any change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """Where the project's migrations are; paths are as written, from `Environment.root`."""

    config: str | None
    """Path of alembic.ini or pyproject.toml."""
    name: str | None
    """Section of the ini file, as `alembic -n`."""
    flask_app: str | None
    directory: str | None
    url_env: tuple[str, ...]
    """Variables through which the project's own settings read its URL."""
    env: Mapping[str, str] = field(repr=False)
    """Further variables for the project's process; `{url}` is still in them."""
    x: tuple[str, ...] = field(repr=False)
    """Arguments of `-x`; `{url}` is still in them."""
    path: tuple[str, ...]
    setup: str | None
    """`module:function` that is called before env.py."""
    heads: tuple[str, ...]
    version_table: str | None
    version_table_schema: str | None
    """Empty for the default schema; None where env.py says it."""
    versions: tuple[str, ...]
    upgrade_command: tuple[str, ...] | None
    """Argv of the project's own runner, taken as written; None when Alembic runs."""
    downgrade_command: tuple[str, ...] | None
    allow_edit: Mapping[str, str] = field(default_factory=dict)
    """Why a revision may differ from what was executed, by revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One environment of the configuration, ready to be promoted."""

    name: str
    branches: tuple[str, ...]
    url: str = field(repr=False)
    lock_url: str = field(repr=False)
    """URL of the direct connection for the lock; `url` when none is configured."""
    promote_from: str | None
    evidence: tuple[str, ...]
    """Sources that are asked what `promote_from` has executed: `database`, `store`, `github`."""
    records_at_github: bool
    """Whether a later environment asks GitHub what this one has executed."""
    require: tuple[str, ...]
    """What must have been done with a revision in `promote_from`: `rehearsal`, `rollback_test`."""
    soak: float
    """Seconds that a revision must have been in `promote_from`."""
    window: Window | None
    approval: str | None
    """The GitHub environment in which a run must be approved; None when it need not be."""
    backup: BackupSettings
    backup_prove: str
    """`list` or `restore`; a rehearsal needs `restore`."""
    scratch_url: str | None = field(repr=False)
    """A server where scratch databases may be created; None for a private one."""
    rehearse: str
    """`off`, `once` or `round_trip`."""
    transaction: str
    """`project` or `per_revision`."""
    lock_wait: float
    """Seconds to wait for another run."""
    probe_timeout: float
    """Seconds that loading the project and its first look at the database may take; 0 for any time."""
    answer_timeout: float
    """Seconds after which a server that says nothing counts as lost; 0 for never."""
    lock_timeout: float
    """Seconds that a statement may wait for a lock of the database; 0 leaves it to the server."""
    lock_retries: int
    statement_timeout: float
    """Seconds that a statement may take; 0 leaves it to the server."""
    max_queue: int | None
    """Sessions that may wait behind the migration; None for any number."""
    health: str
    """`block`, `warn` or `off`."""
    slack_webhook: str | None = field(repr=False)
    """None when Slack is off."""
    ledger_schema: str
    ledger_url: str | None = field(repr=False)
    """None when the ledger lives in the environment's own database."""
    ledger_project: str
    """The name of this project in records that several share; empty where it is alone."""
    migrations: Migrations
    root: Path
    """Absolute folder of the configuration file."""
    secrets: tuple[str, ...] = field(repr=False)
    """Values of the variables in URLs, webhook, `env` and `x`, and the passwords of the URLs."""

    @property
    def record_name(self) -> str:
        """The name of this environment in every record."""
        return name_in_records(self.name, self.ledger_project)


def name_in_records(environment: str, project: str) -> str:
    """Return the name of an environment in ledgers and copies of them."""
    return f"{project}/{environment}" if project else environment
