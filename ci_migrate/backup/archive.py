"""The two ends of an archive on its way: where a backend writes it, and where one reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOutput:
    """Where a backend writes the plain archive."""

    file: BinaryIO
    """Unbuffered and with a descriptor: an empty file, or a pipe. A program may take it as its standard output."""
    path: Path | None
    """The file by name; None for a pipe, which is read while it is written."""
    scratch: Path
    """An existing private folder for what has to be a file on the way; emptied afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSource:
    """Where a backend reads the plain archive, from its beginning."""

    file: BinaryIO
    """Unbuffered and with a descriptor: a file, or a pipe. A program may take it as its standard input."""
    path: Path | None
    """The file by name; None for a pipe, which can be read once."""
    scratch: Path
    """An existing private folder for what has to be a file on the way; emptied afterwards."""
