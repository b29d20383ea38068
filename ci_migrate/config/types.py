"""The shape of `ci-migrate.yml`; the JSON Schema for editors is made from these types."""

from typing import Annotated, Literal

from msgspec import Meta

from ci_migrate.config.backup_section import BackupSection
from ci_migrate.config.leaves import (
    BackupBackend,
    Duration,
    EnvironmentName,
    Seconds,
    Text,
    Url,
)
from ci_migrate.config.migrations import MigrationsSection
from ci_migrate.config.promises import Approval, EvidenceSource, Requirement, WindowSection
from ci_migrate.config.section import Section


class SlackSection(Section, frozen=True, kw_only=True):
    """Messages to Slack."""

    webhook: Annotated[
        str,
        Meta(
            description="URL of an incoming webhook; empty turns Slack off.",
            examples=["${SLACK_WEBHOOK_URL:-}"],
        ),
    ]


class NotifySection(Section, frozen=True, kw_only=True):
    """Who is told about a run."""

    slack: SlackSection | None = None


class LedgerSection(Section, frozen=True, kw_only=True):
    """Where the record of what ran is kept."""

    schema: Annotated[
        Text, Meta(description="Schema of the ledger on PostgreSQL; created when it may be.")
    ] = "ci_migrate"
    url: Url | None = None
    project: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$",
                description="Name of this project, where another one records in the same place.",
            ),
        ]
        | None
    ) = None


class GatesSection(Section, frozen=True, kw_only=True):
    """How strict the gates are that can be lenient."""

    health: Annotated[
        Literal["block", "warn", "off"],
        Meta(description="What happens when the database does not look healthy before an upgrade."),
    ] = "warn"


class EnvironmentSection(Section, frozen=True, kw_only=True):
    """One database that a branch is promoted to."""

    url: Url
    branches: Annotated[
        Text | tuple[Text, ...],
        Meta(
            description="Branches whose push promotes this environment: `*` stands for anything "
            "but `/`, `**` for anything.",
            examples=["main", ["release/*"]],
        ),
    ] = ()
    lock_url: (
        Annotated[
            Text,
            Meta(
                description="Direct URL of the same database, where `url` goes through a pooler.",
                examples=["${DIRECT_DATABASE_URL}"],
            ),
        ]
        | None
    ) = None
    promote_from: (
        Annotated[
            Text,
            Meta(
                description="The environment that must have run a revision before this one may.",
                examples=["staging"],
            ),
        ]
        | None
    ) = None
    evidence: Annotated[
        tuple[EvidenceSource, ...],
        Meta(
            min_length=1,
            description="Where it is looked up what the environment before has executed, in this order.",
            examples=[["database", "github"]],
        ),
    ] = ("database",)
    require: Annotated[
        tuple[Requirement, ...],
        Meta(description="What must have been done with a revision in the environment before."),
    ] = ()
    soak: Annotated[
        Seconds | Duration,
        Meta(
            description="How long a revision must have been in the environment before.",
            examples=["1h"],
        ),
    ] = 0
    window: WindowSection | None = None
    approval: Approval = False
    backup: BackupBackend | BackupSection = "auto"
    scratch_url: (
        Annotated[
            Text,
            Meta(
                description="URL of a server where scratch databases may be created; a private server "
                "is started when it is left out.",
                examples=["${SCRATCH_DATABASE_URL}"],
            ),
        ]
        | None
    ) = None
    rehearse: Annotated[
        bool | Literal["round_trip"],
        Meta(
            description="Run the pending revisions on a restored copy first; `round_trip` also takes them "
            "back there and runs them again."
        ),
    ] = False
    transaction: Annotated[
        Literal["project", "per_revision"],
        Meta(
            description="`project` honours the project's own setting; `per_revision` commits after "
            "each revision."
        ),
    ] = "project"
    lock_wait: Annotated[
        Seconds | Duration,
        Meta(description="How long to wait for another run."),
    ] = "10m"
    probe_timeout: Annotated[
        Seconds | Duration,
        Meta(
            description="How long the project may take to be loaded and to open its database, before"
            " anything is run.",
        ),
    ] = "10m"
    answer_timeout: Annotated[
        Seconds | Duration,
        Meta(description="After which time a database server that says nothing counts as lost."),
    ] = "1m"
    lock_timeout: Annotated[
        Seconds | Duration,
        Meta(
            description="How long a statement of a revision may wait for a lock of the database.",
            examples=["5s"],
        ),
    ] = 0
    lock_retries: Annotated[
        int,
        Meta(
            ge=0,
            le=100,
            description="How often a run that ran into `lock_timeout` and left nothing is tried again.",
        ),
    ] = 0
    statement_timeout: Annotated[
        Seconds | Duration,
        Meta(description="How long a statement of a revision may take.", examples=["15m"]),
    ] = 0
    max_queue: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="Give up when more sessions than this wait behind the migration.",
            ),
        ]
        | None
    ) = None
    gates: GatesSection = GatesSection()
    notify: NotifySection | None = None
    databases: Annotated[
        Literal["one"], Meta(description="How many databases the environment has.")
    ] = "one"


class ConfigFile(Section, frozen=True, kw_only=True):
    """Configuration of ci-migrate: which branch promotes which database, and how."""

    version: Annotated[Literal[1], Meta(description="Version of this format.", examples=[1])]
    migrations: MigrationsSection = MigrationsSection()
    environments: Annotated[
        dict[EnvironmentName, EnvironmentSection],
        Meta(
            min_length=1,
            description="The environments, in the order of promotion.",
            examples=[{"dev": {"branches": "dev", "url": "${DEV_DATABASE_URL}"}}],
        ),
    ]
    ledger: LedgerSection = LedgerSection()
    notify: NotifySection = NotifySection()
