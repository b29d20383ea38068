"""Archives in a private directory of this machine: exclusive names, files that survive a power cut."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from ci_migrate.backup.directory import (
    SCRATCH_PREFIX,
    flush_to_disk,
    make_directory,
    open_exclusive,
    open_readable,
    publish,
)
from ci_migrate.backup.failure import failed_file
from ci_migrate.backup.stores.protocol import StoredFile

PART_SUFFIX = ".part"
"""Ends the name of an upload that is not finished: `.NAME.part`."""


class LocalStore:
    """A directory; made when the first archive comes."""

    is_local = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()

    @property
    def location(self) -> str:
        """The directory's absolute path."""
        return str(self.directory)

    @property
    def scratch(self) -> Path | None:
        """The directory, made when it is missing."""
        return make_directory(self.directory)

    def locate(self, name: str) -> str:
        """Return a file's path."""
        return str(self.directory / name)

    def exists(self, name: str) -> bool:
        """Return whether anything has the name, a dangling link too."""
        return os.path.lexists(self.directory / name)

    def create(self, name: str, *, expected_bytes: int = 0) -> LocalUpload:  # noqa: ARG002 as every store
        """Begin a file under a hidden name."""
        return LocalUpload(make_directory(self.directory) / name)

    def put(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Write a small file at once."""
        upload = self.create(name)
        try:
            upload.write(data)
            upload.commit(replace=replace)
        except BaseException:
            upload.abort()
            raise

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file; a symbolic link is not followed."""
        path = self.directory / name
        try:
            file = open_readable(path)
        except OSError as exc:
            raise failed_file(exc, doing="reading the backup", path=path) from exc
        with file:
            yield file

    def list(self) -> tuple[StoredFile, ...]:
        """Return the plain files, but hidden ones."""
        try:
            with os.scandir(self.directory) as entries:
                found = [
                    _describe(entry)
                    for entry in entries
                    if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
                ]
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise failed_file(
                exc, doing="listing the backup directory", path=self.directory
            ) from exc
        return tuple(sorted(found, key=lambda file: file.name))

    def delete(self, name: str) -> None:
        """Remove a file."""
        path = self.directory / name
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise failed_file(exc, doing="removing an old backup", path=path) from exc

    def sweep(self, before: datetime) -> None:
        """Remove unfinished files and scratch folders that were last written before a moment."""
        left = [
            *self.directory.glob(f".*{PART_SUFFIX}"),
            *self.directory.glob(f"{SCRATCH_PREFIX}*"),
        ]
        for path in left:
            # Another run may finish or remove its own in this moment.
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime >= before.timestamp():
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()


class LocalUpload:
    """A file under a hidden name, on the disk and with the rights that it will keep."""

    def __init__(self, final: Path) -> None:
        self._final = final
        self.path = final.with_name(f".{final.name}{PART_SUFFIX}")
        self._is_ours = False
        try:
            self._file = os.fdopen(open_exclusive(self.path), "wb", buffering=0)
        except OSError as exc:
            raise failed_file(exc, doing="creating the archive", path=self.path) from exc
        self._is_ours = True

    def write(self, data: bytes, /) -> int:
        """Append bytes."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as exc:
            raise failed_file(exc, doing="writing the archive", path=self.path) from exc
        return len(data)

    def commit(self, *, replace: bool = False) -> None:
        """Flush to the disk and give the file its name."""
        try:
            self._file.close()
            flush_to_disk(self.path)
            if replace:
                self.path.replace(self._final)
            else:
                publish(self.path, self._final)
            flush_to_disk(self._final)
        except OSError as exc:
            raise failed_file(
                exc, doing="writing the archive to the disk", path=self._final
            ) from exc
        self._is_ours = False

    def abort(self) -> None:
        """Remove what was written; a disk that refuses even that is not the news."""
        with contextlib.suppress(OSError):
            self._file.close()
        if self._is_ours:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self._is_ours = False


def _describe(entry: os.DirEntry[str]) -> StoredFile:
    facts = entry.stat(follow_symlinks=False)
    modified = datetime.fromtimestamp(facts.st_mtime, tz=timezone.utc)
    return StoredFile(name=entry.name, bytes=facts.st_size, modified=modified)
