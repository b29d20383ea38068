"""What happens to an archive while it passes: counted, proved, encrypted, counted again, stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from ci_migrate.backup.checksum import CHUNK_BYTES, Checksum, RunningChecksum
from ci_migrate.backup.encryption import encrypt
from ci_migrate.backup.pipes import write_all
from ci_migrate.backup.stores.protocol import Upload


class CutOffError(Exception):
    """The archive ended before its backend was done with it; never told, the backend's failure is."""


class ProofEndedError(Exception):
    """Nobody reads what is to be proved any more; never told, the failure of the proof is."""


class Passage:
    """Takes the plain archive out of a pipe and leads it into an upload; runs in a thread of its own."""

    def __init__(
        self,
        source: BinaryIO,
        upload: Upload,
        *,
        recipients: Sequence[Any],
        proof: BinaryIO | None,
    ) -> None:
        self.is_whole = False
        """Set before the writing end is closed: an end that comes earlier is a failure."""
        self.is_stopped = False
        """Set when nobody wants the archive any more."""
        self.plain = RunningChecksum()
        # Without encryption what is stored is the archive as it is.
        self.stored = RunningChecksum() if recipients else self.plain
        self._source = source
        self._upload = upload
        self._recipients = recipients
        self._proof = proof
        self._held = bytearray()

    def run(self) -> None:
        """Pass everything on; raises BackupError of the store, CutOffError, ProofEndedError."""
        try:
            with self._source:
                if self._recipients:
                    encrypt(self, self, self._recipients)
                else:
                    while data := self.read(CHUNK_BYTES):
                        self.write(data)
                if not self.is_whole:
                    raise CutOffError
                self._release()
        finally:
            if self._proof is not None:
                self._proof.close()

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the plain archive, counted and shown to the proof."""
        if self.is_stopped:
            raise CutOffError
        data = self._source.read(size)
        self.plain.update(data)
        if self._proof is not None and data:
            try:
                write_all(self._proof, data)
            except BrokenPipeError as exc:
                raise ProofEndedError from exc
        return data

    def write(self, data: bytes, /) -> int:
        """Count bytes that are ready to be stored, and store them in large pieces."""
        self._held += data
        if len(self._held) >= CHUNK_BYTES:
            self._release()
        return len(data)

    def result(self) -> tuple[Checksum, Checksum]:
        """Return the checksums of the plain archive and of what was stored."""
        return self.plain.result(), self.stored.result()

    def _release(self) -> None:
        data = bytes(self._held)
        self._held.clear()
        if self.stored is not self.plain:
            self.stored.update(data)
        self._upload.write(data)
