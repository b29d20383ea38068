"""Archives in an object store, by the library `obstore`: S3 and what speaks like it, Google Cloud Storage, Azure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from ci_migrate.backup.stores.protocol import StoredFile
from ci_migrate.backup.stores.remote_failure import RemoteCall, failed_call
from ci_migrate.errors import BackupError

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Client

PART_BYTES = 8 << 20
"""Size of the pieces that are sent; up to `PARTS_AT_ONCE` of them are in memory."""
PARTS_AT_ONCE = 3
MOST_PARTS = 9_000
"""S3 takes 10,000 pieces; a larger archive gets larger ones."""
READ_BYTES = 4 << 20
READ_TRIES = 3

_Answer = TypeVar("_Answer")


class ObjectStore:
    """A prefix in a bucket."""

    is_local = False
    scratch: Path | None = None

    def __init__(self, client: Client, location: str) -> None:
        self._client = client
        self.location = location.rstrip("/")

    def locate(self, name: str) -> str:
        """Return a file's URL."""
        return f"{self.location}/{name}"

    def exists(self, name: str) -> bool:
        """Return whether there is an object of this name."""
        import obstore

        try:
            obstore.head(self._client, name)
        except FileNotFoundError as exc:
            # An answer without a body: only reading tells a missing object from a missing bucket.
            return self._is_there(name, exc)
        except Exception as exc:  # noqa: BLE001 - whatever the library raises
            return self._is_there(name, exc)
        return True

    def create(self, name: str, *, expected_bytes: int = 0) -> ObjectUpload:
        """Begin an object; it becomes visible with `commit`, at once."""
        return ObjectUpload(self, name, max(PART_BYTES, expected_bytes // MOST_PARTS))

    def put(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Write a small object at once."""
        import obstore

        mode: Any = "overwrite" if replace else "create"
        self.call("writing", name, lambda: obstore.put(self._client, name, data, mode=mode))

    @contextmanager
    def open(self, name: str) -> Iterator[ObjectReader]:
        """Open an object for reading in ranges, each of which is asked for again when it fails."""
        import obstore

        size = self.call("reading", name, lambda: obstore.head(self._client, name)["size"])
        yield ObjectReader(self, name, size)

    def list(self) -> tuple[StoredFile, ...]:
        """Return the objects right below the prefix."""
        import obstore

        listed = self.call("listing", "", lambda: obstore.list_with_delimiter(self._client))
        files = [
            StoredFile(
                name=entry["path"].rpartition("/")[2],
                bytes=entry["size"],
                modified=entry["last_modified"],
            )
            for entry in listed["objects"]
            if not entry["path"].endswith("/")
            and entry["path"].rpartition("/")[2]  # markers of folders
        ]
        return tuple(sorted(files, key=lambda file: file.name))

    def delete(self, name: str) -> None:
        """Remove an object."""
        import obstore

        def remove() -> None:
            # S3 does not say that there is none, Azure does.
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._client, name)

        self.call("removing", name, remove)

    def sweep(self, before: datetime) -> None:
        """Do nothing: uploads that were cut off are invisible, and a lifecycle rule of the bucket removes them."""

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Return some bytes of an object; raises BackupError when they cannot be had, also not by asking again."""
        import obstore

        for left in reversed(range(READ_TRIES)):
            try:
                return bytes(obstore.get_range(self._client, name, start=start, end=end))
            except obstore.exceptions.GenericError as exc:
                # The library asks again for an answer that does not begin, not for one that breaks off.
                if not left:
                    raise failed_call(exc, RemoteCall("reading", self.locate(name))) from exc
            except Exception as exc:
                raise failed_call(exc, RemoteCall("reading", self.locate(name))) from exc
        return b""

    def open_writer(self, name: str, part_bytes: int) -> Any:
        """Return the library's writer for an object of many parts."""
        import obstore

        return obstore.open_writer(
            self._client, name, buffer_size=part_bytes, max_concurrency=PARTS_AT_ONCE
        )

    def _is_there(self, name: str, exc: Exception) -> bool:
        import obstore

        try:
            obstore.get(self._client, name).bytes()
        except FileNotFoundError as again:
            if "NoSuchBucket" in str(again):
                raise failed_call(again, RemoteCall("reaching", self.location)) from exc
            return False
        except Exception as again:  # noqa: BLE001 - as above
            raise failed_call(again, RemoteCall("reaching", self.location)) from exc
        return True

    def call(self, doing: str, name: str, action: Callable[[], _Answer]) -> _Answer:
        """Do something with the library; its failures become BackupErrors."""
        try:
            return action()
        except BackupError:
            raise
        except Exception as exc:
            raise failed_call(exc, RemoteCall(doing, self.locate(name))) from exc


class ObjectUpload:
    """An object on its way: small ones in one request that refuses to overwrite, large ones in parts."""

    path: Path | None = None

    def __init__(self, store: ObjectStore, name: str, part_bytes: int) -> None:
        self._store = store
        self._name = name
        self._part_bytes = part_bytes
        self._held = bytearray()
        self._writer: Any = None

    def write(self, data: bytes, /) -> int:
        """Append bytes; waits while too many parts are on their way."""
        if self._writer is None and len(self._held) + len(data) <= self._part_bytes:
            self._held += data
            return len(data)
        self._store.call("writing", self._name, lambda: self._send(data))
        return len(data)

    def commit(self) -> None:
        """Make the object visible."""
        if self._writer is None:
            self._store.put(self._name, bytes(self._held))
            return
        # Parts cannot be put together on condition; names are of this run only, this is for the odd clock.
        if self._store.exists(self._name):
            raise failed_call(
                FileExistsError("already exists"),
                RemoteCall("writing", self._store.locate(self._name)),
            )
        self._store.call("writing", self._name, self._writer.close)
        self._writer = None

    def abort(self) -> None:
        """Let the store forget the parts."""
        self._held.clear()
        writer, self._writer = self._writer, None
        if writer is not None:
            failure = BackupError("given up")
            trace: TracebackType | None = None
            # Why it was given up is the news, not that the store cannot hear of it.
            with contextlib.suppress(Exception):
                writer.__exit__(BackupError, failure, trace)

    def _send(self, data: bytes) -> None:
        if self._writer is None:
            self._writer = self._store.open_writer(self._name, self._part_bytes)
            self._writer.write(bytes(self._held))
            self._held.clear()
        self._writer.write(data)


class ObjectReader:
    """An object that is read from its beginning."""

    def __init__(self, store: ObjectStore, name: str, size: int) -> None:
        self._store = store
        self._name = name
        self._size = size
        self._next = 0
        self._held = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        if not self._held and self._next < self._size:
            end = min(self._next + READ_BYTES, self._size)
            self._held = memoryview(self._store.read_range(self._name, self._next, end))
            self._next = end
        data, self._held = self._held[:size], self._held[size:]
        return bytes(data)


def client_options(*, allow_http: bool) -> dict[str, Any]:
    """Return how long the library waits: long enough for one part on a slow line."""
    return {
        "allow_http": allow_http,
        "connect_timeout": timedelta(seconds=10),
        "timeout": timedelta(minutes=5),
    }


def retry_options() -> dict[str, Any]:
    """Return how the library asks again after a failure of the line or the server."""
    return {
        "max_retries": 8,
        "retry_timeout": timedelta(minutes=3),
        "backoff": {
            "init_backoff": timedelta(milliseconds=200),
            "max_backoff": timedelta(seconds=10),
            "base": 2,
        },
    }
