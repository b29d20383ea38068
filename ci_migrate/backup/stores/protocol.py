"""What a store of archives offers; every failure is a BackupError."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file in a store."""

    name: str
    bytes: int
    modified: datetime
    """UTC."""


class Reader(Protocol):
    """A stored file that is read from its beginning."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Upload(Protocol):
    """A file on its way into a store; nobody sees it before `commit`."""

    @property
    def path(self) -> Path | None:
        """An empty local file that may be written by name instead; None where there is none."""

    def write(self, data: bytes, /) -> int:
        """Append bytes and return how many."""

    def commit(self) -> None:
        """Make the file visible, whole and lasting; never over another one."""

    def abort(self) -> None:
        """Forget everything; harmless after `commit`."""


class Store(Protocol):
    """A flat set of files with names; a name is written once."""

    @property
    def location(self) -> str:
        """Where it is, without credentials: a directory, or a URL."""

    @property
    def is_local(self) -> bool:
        """Whether it is on a disk of this machine."""

    @property
    def scratch(self) -> Path | None:
        """An existing directory on its disk for temporary files; None where it is not local."""

    def locate(self, name: str) -> str:
        """Return where a file is, for people: its path or URL."""

    def exists(self, name: str) -> bool:
        """Return whether there is a file of this name; also tells whether the store can be reached."""

    def create(self, name: str, *, expected_bytes: int = 0) -> Upload:
        """Begin a file of any size that does not exist yet; `expected_bytes` is a guess, 0 for none."""

    def put(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Write a small file at once, atomically; over an existing one only with `replace`."""

    def open(self, name: str) -> AbstractContextManager[Reader]:
        """Open a file for reading; its end is closed with the context."""

    def list(self) -> tuple[StoredFile, ...]:
        """Return what is stored, by name; unfinished uploads are not among it."""

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no failure."""

    def sweep(self, before: datetime) -> None:
        """Remove what uploads that were cut off before a moment left behind, where the store shows it."""
