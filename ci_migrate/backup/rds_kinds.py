"""The two kinds of snapshots that RDS has, of instances and of clusters: what each calls the same thing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci_migrate.backup.rds_client import ask
from ci_migrate.config.backup_settings import RdsSettings

_ARN = re.compile(
    r"arn:aws[\w-]*:rds:(?P<region>[a-z0-9-]+):\d*:(?P<kind>snapshot|cluster-snapshot):(?P<name>[A-Za-z][A-Za-z0-9-]*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Words of RDS's API for one kind."""

    word: str
    """`instance` or `cluster`."""
    arn: str
    """How an ARN names its snapshots."""
    upper: str
    """How operations and keys begin: `DBInstance`, `DBCluster`."""
    snapshot: str
    """`DBSnapshot`, `DBClusterSnapshot`."""
    api: str
    """How the operations of the library call the snapshot: `db_snapshot`."""

    def describe_source(self, client: Any, name: str) -> dict[str, Any]:
        """Return the instance or cluster; raises BackupError."""
        operation = f"describe_db_{self.word}s"
        answer = ask(client, operation, **{f"{self.upper}Identifier": name})
        return dict(answer[f"{self.upper}s"][0])

    def status_of(self, source: Mapping[str, Any]) -> str:
        """Return the status in the description of an instance or cluster."""
        return str(source.get("DBInstanceStatus") or source.get("Status") or "unknown")

    def create(self, client: Any, source: str, name: str, tags: list[dict[str, str]]) -> str | None:
        """Begin a snapshot and return its ARN; None when the source takes none now. Raises BackupError."""
        answer = ask(
            client,
            f"create_{self.api}",
            absent={f"Invalid{self.upper}State"},
            **{f"{self.upper}Identifier": source, f"{self.snapshot}Identifier": name},
            Tags=tags,
        )
        return str(answer[self.snapshot][f"{self.snapshot}Arn"]) if answer else None

    def describe(self, client: Any, name: str) -> dict[str, Any] | None:
        """Return a snapshot; None when there is none of this name. Raises BackupError."""
        answer = ask(
            client,
            f"describe_{self.api}s",
            absent={f"{self.snapshot}NotFound"},
            **{f"{self.snapshot}Identifier": name},
        )
        found = answer[f"{self.snapshot}s"] if answer else []
        return dict(found[0]) if found else None

    def delete(self, client: Any, name: str) -> None:
        """Remove a snapshot; one that is gone is no failure. Raises BackupError."""
        ask(
            client,
            f"delete_{self.api}",
            absent={f"{self.snapshot}NotFound"},
            **{f"{self.snapshot}Identifier": name},
        )


INSTANCE = Kind(
    word="instance", arn="snapshot", upper="DBInstance", snapshot="DBSnapshot", api="db_snapshot"
)
CLUSTER = Kind(
    word="cluster",
    arn="cluster-snapshot",
    upper="DBCluster",
    snapshot="DBClusterSnapshot",
    api="db_cluster_snapshot",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotName:
    """What an ARN of a snapshot says."""

    kind: Kind
    region: str
    name: str


def kind_of(settings: RdsSettings) -> tuple[Kind, str]:
    """Return the kind that the settings name, and the identifier."""
    return (CLUSTER, settings.cluster) if settings.cluster else (INSTANCE, settings.instance)


def parse_arn(text: str) -> SnapshotName | None:
    """Return what the ARN of a snapshot says; None for any other text."""
    match = _ARN.fullmatch(text)
    if match is None:
        return None
    kind = CLUSTER if match["kind"] == CLUSTER.arn else INSTANCE
    return SnapshotName(kind=kind, region=match["region"], name=match["name"])


def name_snapshot(backup: str) -> str:
    """Return a name that RDS takes: letters, digits and single hyphens, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "-", f"ci-migrate-{backup}".lower()).strip("-")
    return name if len(name) <= 255 else f"{name[:200].strip('-')}-{name[-50:].strip('-')}"
