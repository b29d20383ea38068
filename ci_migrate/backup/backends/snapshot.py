"""Backups that are snapshots of another system: the archive is a small file with the snapshot's name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.backends.protocol import SnapshotSystem
from ci_migrate.backup.pipes import write_all
from ci_migrate.backup.proof import unproved
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    ProofRequest,
    RemovalRequest,
    RestoreRequest,
    TableName,
)
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError

SUFFIX = ".snapshot"
LONGEST_NAME = 1000
"""Characters of a snapshot's name."""


@dataclass(frozen=True, slots=True)
class SnapshotBackend:
    """A backend whose archives name snapshots; stores, checksums, manifests and `keep` work as for dumps."""

    system: SnapshotSystem

    @property
    def dialects(self) -> frozenset[str]:
        """Kinds of databases that it can back up."""
        return self.system.dialects

    def archive_format(self, options: BackupOptions) -> str:  # noqa: ARG002 as every backend
        """Return `snapshot`."""
        return "snapshot"

    def archive_suffix(self, options: BackupOptions) -> str:  # noqa: ARG002 as every backend
        """Return the ending of its archives."""
        return SUFFIX

    def leaves_out(self, options: BackupOptions, table: TableName) -> bool:  # noqa: ARG002 as every backend
        """Return no: a snapshot has everything."""
        return False

    def check_tools(self, request: BackupRequest) -> dict[str, str]:
        """Return versions of what it works with; raises BackupToolError when something is missing."""
        return self.system.check_tools(request)

    def write_archive(
        self,
        request: BackupRequest,
        output: ArchiveOutput,
        tools: Mapping[str, str],  # noqa: ARG002 as every backend
    ) -> str:
        """Take a snapshot, write its name, and return it."""
        snapshot = self.system.take_snapshot(request)
        try:
            write_all(output.file, f"{snapshot}\n".encode())
        except OSError:
            # Nobody knows of it yet; that the store failed is the news.
            with suppress(BackupError):
                self.delete_snapshot(removal_of(request), snapshot)
            raise
        return snapshot

    def verify_archive(self, request: ProofRequest, source: ArchiveSource) -> str:
        """Prove that the snapshot is there and whole; raises BackupError, also for a damaged name."""
        return self.system.verify_snapshot(request, read_snapshot(request.name, source))

    def find_tools(self, made_by: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002
        """Return nothing: what reads a snapshot is named by the configuration alone."""
        return {}

    def refuse_restore(self, request: RestoreRequest, source: ArchiveSource) -> None:
        """Raise BackupError with instructions where the snapshot cannot be brought back from here."""
        self.system.refuse_restore(request, read_snapshot(request.origin.backup, source))

    def restore_archive(
        self, request: RestoreRequest, source: ArchiveSource, target: DatabaseAddress
    ) -> None:
        """Make the target what the snapshot holds; raises BackupError with what was said."""
        snapshot = read_snapshot(request.origin.backup, source)
        self.system.refuse_restore(request, snapshot)
        self.system.restore_snapshot(request, snapshot, target)

    def delete_snapshot(self, request: RemovalRequest, snapshot: str) -> None:
        """Remove what lies outside of the store; raises BackupError."""
        self.system.delete_snapshot(request, snapshot)


def removal_of(request: BackupRequest) -> RemovalRequest:
    """Return the request that gives up the snapshot that another one is about."""
    return RemovalRequest(env=request.env, options=request.options, origin=request.origin)


def read_snapshot(name: str, source: ArchiveSource) -> str:
    """Return the snapshot's name in an archive; raises BackupError when it holds none."""
    data = b""
    while len(data) <= 4 * LONGEST_NAME and (piece := source.file.read(4 * LONGEST_NAME + 1)):
        data += piece
    text = data.decode("utf-8", "replace")
    snapshot = text.removesuffix("\n")
    if not text.endswith("\n") or why_unusable(snapshot):
        raise unproved(name, "it is not the name of a snapshot, in one line")
    return snapshot


def why_unusable(snapshot: str) -> str:
    """Return what keeps a text from being the name of a snapshot; empty when nothing does."""
    if not snapshot.strip():
        return "it is empty"
    if len(snapshot) > LONGEST_NAME:
        return f"it has more than {LONGEST_NAME} characters"
    if not snapshot.isprintable() or "\N{REPLACEMENT CHARACTER}" in snapshot:
        return "it is not one line of plain text"
    if snapshot.startswith("-") or snapshot != snapshot.strip():
        return "it begins with `-`, or with or in a space"
    return ""
