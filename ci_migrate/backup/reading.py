"""From the store back to a plain archive: counted, decrypted, counted again, and compared with its manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ci_migrate.backup.archive import ArchiveSource
from ci_migrate.backup.checksum import CHUNK_BYTES, RunningChecksum, read_checksum
from ci_migrate.backup.encryption import decrypt
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.pipes import Companion, open_pipe, write_all
from ci_migrate.backup.proof import compare_checksums
from ci_migrate.backup.stores.protocol import Reader, Store
from ci_migrate.backup.writing import STOP_SECONDS, scratch_folder
from ci_migrate.errors import BackupError


@contextmanager
def open_backup(
    manifest: Manifest, store: Store, identities: Sequence[Any] = (), *, env: Mapping[str, str]
) -> Iterator[ArchiveSource]:
    """Yield the plain archive of a backup, to be read once.

    `identities` come from `encryption.parse_identities`. A plain archive of a local store is compared with its
    checksums before anything is yielded. Any other is compared while it passes, and the difference is raised when the
    context ends: prove it with `verify_backup` before it is loaded anywhere.
    Raises BackupError when it is missing, was changed, or cannot be decrypted.
    """
    require_identity(manifest, identities)
    with scratch_folder(store, env) as scratch:
        if store.is_local and not manifest.encrypted:
            check_stored(manifest, store)
            path = Path(store.locate(manifest.archive))
            with store.open(manifest.archive) as file:
                yield ArchiveSource(file=file, path=path, scratch=scratch)  # type: ignore[arg-type]
            return
        with _open_stream(manifest, store, identities) as stream:
            yield ArchiveSource(file=stream, path=None, scratch=scratch)


def require_identity(manifest: Manifest, identities: Sequence[Any]) -> None:
    """Raise BackupError when the archive is encrypted and there is nothing to read it with."""
    if manifest.encrypted and not identities:
        raise BackupError(
            f"the archive {manifest.archive} is encrypted, and there is no identity to read it with",
            next_step="Name the variable or the file of an age identity:"
            " `backup.identity_env` or `backup.identity_file`.",
        )


def check_stored(manifest: Manifest, store: Store) -> None:
    """Compare the stored bytes with the manifest; no identity is needed.

    Raises BackupError when they differ or the archive is missing.
    """
    with store.open(manifest.archive) as reader:
        compare_checksums(manifest.archive, read_checksum(reader), manifest.stored)


@contextmanager
def _open_stream(manifest: Manifest, store: Store, identities: Sequence[Any]) -> Iterator[BinaryIO]:
    reader, writer = open_pipe()
    way = _WayBack(manifest, store, identities, writer)
    companion = Companion(way.run)
    try:
        with reader:
            yield reader
            read_checksum(reader)  # what was not asked for counts, too
        companion.join()
    except Exception as exc:
        companion.join(STOP_SECONDS)
        # What reads a stream that ends early fails, too, but is not the cause.
        if isinstance(companion.error, BackupError):
            raise companion.error from exc
        raise
    if companion.error is not None:
        raise companion.error


class _WayBack:
    """Leads a stored archive into a pipe; runs in a thread of its own."""

    def __init__(
        self, manifest: Manifest, store: Store, identities: Sequence[Any], target: BinaryIO
    ) -> None:
        self._manifest = manifest
        self._store = store
        self._identities = identities
        self._target = target
        self._stored = RunningChecksum()
        self._plain = RunningChecksum()
        self._reader: Reader | None = None

    def run(self) -> None:
        """Pass everything on, then compare; raises BackupError, BrokenPipeError when nobody reads."""
        manifest = self._manifest
        with self._target, self._store.open(manifest.archive) as self._reader:
            try:
                if manifest.encrypted:
                    decrypt(self, self, self._identities)
                else:
                    while data := self.read(CHUNK_BYTES):
                        self.write(data)
            except BackupError:
                self._check_stored()  # a damaged archive is better told as that than as undecipherable
                raise
            self._check_stored()
            compare_checksums(manifest.archive, self._plain.result(), manifest.plain)

    def _check_stored(self) -> None:
        while self.read(CHUNK_BYTES):
            continue
        compare_checksums(self._manifest.archive, self._stored.result(), self._manifest.stored)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the stored archive, counted."""
        data = self._reader.read(size) if self._reader else b""
        self._stored.update(data)
        return data

    def write(self, data: bytes, /) -> int:
        """Pass on bytes of the plain archive, counted."""
        self._plain.update(data)
        write_all(self._target, data)
        return len(data)
