"""The commands of AWS that bring a snapshot back: a new instance beside the old one, then the names."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ci_migrate.backup.rds_kinds import CLUSTER, INSTANCE, SnapshotName
from ci_migrate.errors import BackupError


def restore_instructions(client: Any, named: SnapshotName, source: str, environment: str) -> str:
    """Return what to do, with commands to copy.

    Network and parameters in them are those of the present instance, where RDS still tells them.
    """
    found: Mapping[str, Any] = {}
    with suppress(BackupError):  # the worst night may be that it is gone
        found = named.kind.describe_source(client, source)
    make = _make_cluster if named.kind is CLUSTER else _make_instance
    lines = [
        f"Restore it beside {source}, and look at it before you switch:",
        *make(client, named, source, found),
        f"Then let the url of {environment} name its endpoint, or give it the name of the other:",
        *_swap(named, source),
        "At last tell the ledger what was undone:",
        "  "
        + shlex.join(
            ["ci-migrate", "ledger", "reconcile", "--environment", environment, "--write"]
        ),
    ]
    return "\n".join(lines)


def _make_instance(
    _client: Any, named: SnapshotName, source: str, found: Mapping[str, Any]
) -> list[str]:
    groups = [group["DBParameterGroupName"] for group in found.get("DBParameterGroups", ())]
    return [
        _aws(
            named,
            "restore-db-instance-from-db-snapshot",
            f"--db-instance-identifier={source}-restored",
            f"--db-snapshot-identifier={named.name}",
            *_option("db-instance-class", found.get("DBInstanceClass")),
            *_network(found),
            *_option("db-parameter-group-name", groups[0] if groups else None),
        ),
        _wait(named, f"{source}-restored"),
    ]


def _make_cluster(
    client: Any, named: SnapshotName, source: str, found: Mapping[str, Any]
) -> list[str]:
    engine = str(found.get("Engine") or "ENGINE")
    return [
        _aws(
            named,
            "restore-db-cluster-from-snapshot",
            f"--db-cluster-identifier={source}-restored",
            f"--snapshot-identifier={named.name}",
            f"--engine={engine}",
            *_network(found),
            *_option("db-cluster-parameter-group-name", found.get("DBClusterParameterGroup")),
        ),
        _aws(
            named,
            "create-db-instance",
            f"--db-instance-identifier={source}-restored-1",
            f"--db-cluster-identifier={source}-restored",
            f"--engine={engine}",
            f"--db-instance-class={_member_class(client, found)}",
        ),
        _wait(named, f"{source}-restored"),
    ]


def _swap(named: SnapshotName, source: str) -> list[str]:
    word = named.kind.word
    steps = []
    for old, new in ((source, f"{source}-before"), (f"{source}-restored", source)):
        steps.append(
            _aws(
                named,
                f"modify-db-{word}",
                f"--db-{word}-identifier={old}",
                f"--new-db-{word}-identifier={new}",
                "--apply-immediately",
            )
        )
        steps.append(_wait(named, new))
    return steps


def _wait(named: SnapshotName, name: str) -> str:
    word = named.kind.word
    return _aws(named, "wait", f"db-{word}-available", f"--db-{word}-identifier={name}")


def _member_class(client: Any, found: Mapping[str, Any]) -> str:
    members = [member["DBInstanceIdentifier"] for member in found.get("DBClusterMembers", ())]
    with suppress(BackupError):
        if members:
            return str(INSTANCE.describe_source(client, members[0])["DBInstanceClass"])
    return "CLASS"


def _network(found: Mapping[str, Any]) -> list[str]:
    subnets = found.get("DBSubnetGroup")
    name = subnets.get("DBSubnetGroupName") if isinstance(subnets, dict) else subnets
    groups = [group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", ())]
    return [
        *_option("db-subnet-group-name", name),
        *(["--vpc-security-group-ids", *groups] if groups else []),
    ]


def _option(name: str, value: object) -> list[str]:
    return [f"--{name}={value}"] if value else []


def _aws(named: SnapshotName, *words: str) -> str:
    return "  " + shlex.join(["aws", "rds", *words, f"--region={named.region}"])
