"""What a backend module offers; every failure is a BackupError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.request import (
    BackupOptions,
    BackupRequest,
    ProofRequest,
    RemovalRequest,
    RestoreRequest,
    TableName,
)
from ci_migrate.database.address import DatabaseAddress


class Backend(Protocol):
    """How one kind of database becomes a stream of bytes and comes back from it."""

    @property
    def dialects(self) -> frozenset[str]:
        """Kinds of databases that it can back up."""

    def archive_format(self, options: BackupOptions) -> str:
        """Return the name of the format that it will write, for the manifest."""

    def archive_suffix(self, options: BackupOptions) -> str:
        """Return the ending of the archive's name, with the dot."""

    def leaves_out(self, options: BackupOptions, table: TableName) -> bool:
        """Return whether the options leave a table out of the archive."""

    def check_tools(self, request: BackupRequest) -> dict[str, str]:
        """Return the versions of the programs it would use, by name; touch nothing.

        Raises BackupToolError when one is missing, older than the server, or cannot do what the options say.
        """

    def write_archive(
        self, request: BackupRequest, output: ArchiveOutput, tools: Mapping[str, str]
    ) -> str:
        """Write the database into the output, which the caller closes.

        Returns the name of a snapshot that lies elsewhere and that the archive only names; empty for a dump.
        """

    def verify_archive(self, request: ProofRequest, source: ArchiveSource) -> str:
        """Prove that the archive is whole and names every table; return how, in words.

        It need not read to the end; the caller does.
        """

    def find_tools(self, made_by: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
        """Return the programs of this machine that can read and restore an archive made by others.

        `made_by` is `tools` of the manifest. Raises BackupToolError when one is missing or too old.
        """

    def restore_archive(
        self, request: RestoreRequest, source: ArchiveSource, target: DatabaseAddress
    ) -> None:
        """Load the archive into the target, an existing database without tables (SQLite: replaced as a whole).

        With `clear` in the request the target may hold anything. PostgreSQL: all of it happens, or nothing.
        """


class SnapshotSystem(Protocol):
    """What keeps whole databases somewhere else, each under a name; `SnapshotBackend` makes a backend of it."""

    @property
    def dialects(self) -> frozenset[str]:
        """As that of `Backend`."""

    def check_tools(self, request: BackupRequest) -> dict[str, str]:
        """As that of `Backend`."""

    def take_snapshot(self, request: BackupRequest) -> str:
        """Take a snapshot and return its name: one line that says everything to find it again."""

    def verify_snapshot(self, request: ProofRequest, snapshot: str) -> str:
        """Prove that the snapshot is there, whole, and of this database; return how, in words."""

    def refuse_restore(self, request: RestoreRequest, snapshot: str) -> None:
        """Raise BackupError with instructions where the snapshot cannot be brought back from here."""

    def restore_snapshot(
        self, request: RestoreRequest, snapshot: str, target: DatabaseAddress
    ) -> None:
        """Make the target what the snapshot holds, whatever is in it now."""

    def delete_snapshot(self, request: RemovalRequest, snapshot: str) -> None:
        """Remove the snapshot; one that is gone already is no failure."""
