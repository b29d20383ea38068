"""Whether an RDS instance or cluster is the server of the environment's URL."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import Any

from ci_migrate.backup.rds_kinds import CLUSTER, Kind
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError
from ci_migrate.redact import one_line

_SUFFIXES = (".rds.amazonaws.com", ".rds.amazonaws.com.cn")


def check_source(kind: Kind, name: str, found: Mapping[str, Any], address: DatabaseAddress) -> str:
    """Return a doubt in words where it cannot be seen that this is the right server; empty when it can.

    `found` is the description by RDS. Raises BackupError where it is another one, or cannot be backed up so.
    """
    member_of = found.get("DBClusterIdentifier")
    if kind is not CLUSTER and member_of:
        raise BackupError(
            f"the instance {name} belongs to the cluster {member_of}, which has snapshots as a whole only",
            next_step=f"Set `backup.rds.cluster: {member_of}` in place of `instance`.",
        )
    engine = str(found.get("Engine", ""))
    is_postgres = "postgres" in engine
    if engine and is_postgres != (address.dialect == "postgresql"):
        raise _another(kind, name, f"its engine is {one_line(engine, 60)}", address)
    hosts = set(_endpoints(found))
    host = _canonical(address.host).lower()
    if not hosts or host in hosts or _is_member(host, found):
        return ""
    if host.endswith(_SUFFIXES) and ".proxy-" not in host:
        raise _another(kind, name, f"it answers at {', '.join(sorted(hosts))}", address)
    return (
        f"it cannot be seen that the {kind.word} {name} is the server behind {address.host or 'the url'}:"
        f" it answers at {', '.join(sorted(hosts))}"
    )


def _another(kind: Kind, name: str, reason: str, address: DatabaseAddress) -> BackupError:
    return BackupError(
        f"the {kind.word} {name} is not the server of the environment's url"
        f" ({address.dialect} on {address.host}): {reason}",
        next_step=f"Name in backup.rds.{kind.word} the one that the url leads to.",
    )


def _endpoints(found: Mapping[str, Any]) -> Iterator[str]:
    endpoint = found.get("Endpoint")
    addresses = [endpoint.get("Address") if isinstance(endpoint, dict) else endpoint]
    addresses += [found.get("ReaderEndpoint"), *found.get("CustomEndpoints", ())]
    yield from (str(address).lower() for address in addresses if address)


def _is_member(host: str, found: Mapping[str, Any]) -> bool:
    """Return whether a host is the endpoint of one instance of a cluster."""
    names = {str(member["DBInstanceIdentifier"]) for member in found.get("DBClusterMembers", ())}
    return host.endswith(_SUFFIXES) and host.partition(".")[0] in names


def _canonical(host: str) -> str:
    """Return the name that a host is an alias of; the host itself where nobody knows it."""
    if not host or host.startswith("/"):
        return host
    try:
        return socket.gethostbyname_ex(host)[0]
    except (OSError, UnicodeError):
        return host
