"""From the database into the store: write, prove, read back; bounded memory, no second copy of a stream."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.checksum import Checksum, read_checksum
from ci_migrate.backup.directory import SCRATCH_PREFIX, flush_to_disk, open_readable
from ci_migrate.backup.failure import failed_file
from ci_migrate.backup.passing import CutOffError, Passage, ProofEndedError
from ci_migrate.backup.pipes import Companion, drain, open_pipe
from ci_migrate.backup.proof import compare_checksums, unproved
from ci_migrate.backup.stores.protocol import Store, Upload
from ci_migrate.errors import BackupError

STOP_SECONDS = 2.0
"""How long an upload may take to notice that nobody wants it; then it ends with this process."""

Write = Callable[[ArchiveOutput], None]
Prove = Callable[[ArchiveSource], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An archive that is in its store, proved."""

    plain: Checksum
    stored: Checksum
    verified: str


def write_archive(
    write: Write,
    prove: Prove,
    *,
    store: Store,
    name: str,
    recipients: Sequence[Any],
    env: Mapping[str, str],
    expected_bytes: int = 0,
) -> Written:
    """Let `write` fill an archive of this name, prove it and read back what was stored.

    After a failure nothing is visible in the store. Raises BackupError.
    """
    upload = store.create(name, expected_bytes=expected_bytes)
    try:
        with scratch_folder(store, env) as scratch:
            if upload.path is not None and not recipients:
                written = _write_file(write, prove, upload.path, scratch)
                upload.commit()
                return written
            plain, stored, proof = _write_stream(write, prove, upload, recipients, scratch)
        how = _read_back(upload, store, name, stored)
    except BaseException:
        upload.abort()
        raise
    return Written(plain=plain, stored=stored, verified=f"{proof}, {how}")


@contextmanager
def scratch_folder(store: Store, env: Mapping[str, str]) -> Iterator[Path]:
    """Yield a private folder, beside a local store's archives or where the run keeps temporary files."""
    place = store.scratch or env.get("RUNNER_TEMP") or env.get("TMPDIR") or None
    if place is not None and not Path(place).is_dir():
        place = None
    try:
        folder = tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=place)
    except OSError as exc:
        raise failed_file(exc, doing="making a temporary folder", path=Path(place or ".")) from exc
    with folder as path:
        yield Path(path)


def _write_file(write: Write, prove: Prove, path: Path, scratch: Path) -> Written:
    """Write straight into the store's own file: nothing has to pass through this process."""
    try:
        with path.open("r+b", buffering=0) as file:
            write(ArchiveOutput(file=file, path=path, scratch=scratch))
        flush_to_disk(path)
        with open_readable(path) as file:
            checksum = read_checksum(file)
        if checksum.bytes == 0:
            raise unproved(path.name, "it is empty")
        with open_readable(path) as file:
            proof = prove(ArchiveSource(file=file, path=path, scratch=scratch))
    except OSError as exc:
        raise failed_file(exc, doing="writing the archive", path=path) from exc
    return Written(plain=checksum, stored=checksum, verified=f"{proof}, checksum re-read")


def _write_stream(
    write: Write, prove: Prove, upload: Upload, recipients: Sequence[Any], scratch: Path
) -> tuple[Checksum, Checksum, str]:
    archive_out, archive_in = open_pipe()
    proof_out, proof_in = open_pipe()
    answers: list[str] = []
    proof = Companion(lambda: answers.append(_prove_stream(prove, proof_out, scratch)))
    passage = Passage(archive_out, upload, recipients=recipients, proof=proof_in)
    companion = Companion(passage.run)
    try:
        with archive_in:
            write(ArchiveOutput(file=archive_in, path=None, scratch=scratch))
            passage.is_whole = True
        companion.join()
        proof.join()
    except Exception as exc:
        companion.join()
        proof.join()
        # A program that cannot write any more fails, too, but is not the cause.
        raise (_cause(companion.error, proof.error) or exc) from exc
    except BaseException:
        passage.is_stopped = True
        companion.join(STOP_SECONDS)
        raise
    plain, stored = passage.result()
    if plain.bytes == 0:
        raise unproved("of the database", "it is empty")
    cause = _cause(companion.error, proof.error) or proof.error
    if cause is not None:
        raise cause
    return plain, stored, answers[0]


def _cause(passing: BaseException | None, proving: BaseException | None) -> BaseException | None:
    """Return what went wrong first at the far ends; None when it was the backend itself."""
    if isinstance(passing, ProofEndedError):
        return proving
    return None if isinstance(passing, CutOffError) else passing


def _prove_stream(prove: Prove, file: BinaryIO, scratch: Path) -> str:
    with file:
        answer = prove(ArchiveSource(file=file, path=None, scratch=scratch))
        drain(file)  # what is left must pass, too
        return answer


def _read_back(upload: Upload, store: Store, name: str, written: Checksum) -> str:
    """Compare what is stored with what was written; what differs is removed."""
    if upload.path is not None:
        flush_to_disk(upload.path)
        with open_readable(upload.path) as file:
            compare_checksums(name, read_checksum(file), written)
        upload.commit()
        return "checksum of the stored file re-read"
    upload.commit()
    try:
        with store.open(name) as reader:
            compare_checksums(name, read_checksum(reader), written)
    except BaseException:
        with contextlib.suppress(BackupError):  # why it is no backup is the news
            store.delete(name)
        raise
    return "checksum read back from the store"
