"""The keys of backups that are snapshots of another system, below `environments.<name>.backup`."""

from typing import Annotated

from msgspec import Meta

from ci_migrate.config.leaves import Duration, Seconds, Text, VariableName
from ci_migrate.config.section import Section

SnapshotArgv = Annotated[
    tuple[Text, ...],
    Meta(
        min_length=1,
        description="Program and arguments, started without a shell and taken as written, in the folder of this file.",
        examples=[["ops/snapshot", "take"]],
    ),
]


class SnapshotCommandSection(Section, frozen=True, kw_only=True):
    """Commands of your own that take, prove and bring back a snapshot, in any system."""

    take: SnapshotArgv
    verify: SnapshotArgv
    restore: SnapshotArgv | None = None
    delete: SnapshotArgv | None = None
    secrets: Annotated[
        tuple[VariableName, ...],
        Meta(
            description="Variables whose values are masked wherever something of the commands is told.",
            examples=[["NEON_API_KEY"]],
        ),
    ] = ()
    timeout: Annotated[
        Seconds | Duration,
        Meta(description="How long each of the commands may take; 0 for any time."),
    ] = "1h"


class RdsSection(Section, frozen=True, kw_only=True):
    """Snapshots of an Amazon RDS instance, or of an Aurora or Multi-AZ cluster."""

    instance: (
        Annotated[
            Text,
            Meta(description="Identifier of the DB instance.", examples=["shop-production"]),
        ]
        | None
    ) = None
    cluster: (
        Annotated[
            Text,
            Meta(
                description="In its place: identifier of the DB cluster.",
                examples=["shop-production"],
            ),
        ]
        | None
    ) = None
    region: (
        Annotated[
            Text,
            Meta(description="Its region; `AWS_REGION` when left out.", examples=["eu-west-1"]),
        ]
        | None
    ) = None
    timeout: Annotated[
        Seconds | Duration,
        Meta(description="How long a snapshot may take; 0 for any time."),
    ] = "1h"
