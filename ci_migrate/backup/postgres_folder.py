"""The directory format of pg_dump as one stream: a tar file of plain members, its table of contents first."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.checksum import CHUNK_BYTES
from ci_migrate.backup.directory import open_exclusive
from ci_migrate.backup.failure import failed_file
from ci_migrate.backup.proof import unproved

CONTENTS = "toc.dat"


def pack_folder(folder: Path, output: ArchiveOutput) -> None:
    """Write the files of a folder, each of which is removed once it is in; raises BackupError."""
    paths = sorted(folder.iterdir(), key=lambda path: (path.name != CONTENTS, path.name))
    try:
        with tarfile.open(fileobj=output.file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for path in paths:
                facts = tarfile.TarInfo(path.name)
                facts.size = path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(facts, file)
                path.unlink()  # so that the disk holds the data about once
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise failed_file(exc, doing="packing the archive", path=folder) from exc


def unpack_contents(source: ArchiveSource, folder: Path, name: str) -> frozenset[str]:
    """Extract the table of contents into a folder and return the names of all files, read to the end.

    Raises BackupError when the archive is cut or no such one.
    """
    names = set()
    for member, data in _members(source, name):
        names.add(member)
        if member == CONTENTS:
            _extract(data, folder / member)
    return frozenset(names)


def unpack_folder(source: ArchiveSource, folder: Path, name: str) -> None:
    """Extract everything into a folder; raises BackupError when the archive is cut or no such one."""
    for member, data in _members(source, name):
        _extract(data, folder / member)


def _members(source: ArchiveSource, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    counted = _Counted(source.file)
    with (
        _told(name, source.scratch),
        tarfile.open(fileobj=cast("BinaryIO", counted), mode="r|") as archive,
    ):
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            if data is None or Path(member.name).name != member.name or member.name[0] == ".":
                raise unproved(name, f"it holds something else than a dump: {member.name!r}")
            yield member.name, data
        while counted.read(CHUNK_BYTES):
            continue
    if counted.bytes % tarfile.RECORDSIZE:
        raise unproved(name, "its end is missing (the last record is cut)")


class _Counted:
    """A file that knows how much was read of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self.bytes += len(data)
        return data


@contextmanager
def _told(name: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as exc:
        raise unproved(name, f"its end is missing ({exc})") from exc
    except OSError as exc:
        raise failed_file(exc, doing="unpacking the archive", path=folder) from exc


def _extract(data: IO[bytes], path: Path) -> None:
    with open(open_exclusive(path), "wb") as file:  # noqa: PTH123 a descriptor
        shutil.copyfileobj(data, file, CHUNK_BYTES)
