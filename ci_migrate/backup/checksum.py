"""SHA-256 of what passes, in bounded memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

CHUNK_BYTES = 1 << 20


class Readable(Protocol):
    """Anything that is read from its beginning."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """Size and SHA-256 of some bytes."""

    bytes: int
    sha256: str
    """Hexadecimal."""


class RunningChecksum:
    """A checksum that grows with the bytes that it is told of."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._bytes = 0

    def update(self, data: bytes) -> None:
        """Count some bytes."""
        self._digest.update(data)
        self._bytes += len(data)

    def result(self) -> Checksum:
        """Return the checksum of all bytes so far."""
        return Checksum(self._bytes, self._digest.hexdigest())


def read_checksum(file: Readable) -> Checksum:
    """Read to the end and return the checksum; errors of reading as they are."""
    running = RunningChecksum()
    while data := file.read(CHUNK_BYTES):
        running.update(data)
    return running.result()
