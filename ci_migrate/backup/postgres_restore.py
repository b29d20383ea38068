"""An archive into a PostgreSQL database: by pg_restore into an empty one, by psql in the place of what is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ci_migrate.backup.archive import ArchiveSource
from ci_migrate.backup.checksum import CHUNK_BYTES
from ci_migrate.backup.client_version import is_program, version_numbers
from ci_migrate.backup.failure import failed_tool
from ci_migrate.backup.pipes import Companion, open_pipe
from ci_migrate.backup.postgres_connection import connection_environment, connection_text
from ci_migrate.backup.postgres_folder import unpack_folder
from ci_migrate.backup.postgres_options import DIRECTORY
from ci_migrate.backup.request import RestoreRequest
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupToolError, ProcessError
from ci_migrate.process import feed_command, run_command

FIRST_WITH_TIMEOUT = 17
"""pg_restore that sets `transaction_timeout`, which older servers do not know."""
HEAD_BYTES = 4096
"""The settings stand before everything else."""
_TIMEOUT = b"SET transaction_timeout = 0;"
_TIMEOUT_IF_KNOWN = (
    b"SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings"
    b" WHERE name = 'transaction_timeout';"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """An archive as pg_restore takes it."""

    path: Path | None
    """A file or a folder; None for what comes on the standard input."""
    stdin: BinaryIO | None


@contextmanager
def reachable_archive(request: RestoreRequest, source: ArchiveSource) -> Iterator[Reachable]:
    """Yield the archive; the format `directory` is unpacked for as long as that lasts. Raises BackupError."""
    if request.format != DIRECTORY:
        yield Reachable(path=source.path, stdin=source.file)
        return
    with tempfile.TemporaryDirectory(dir=source.scratch) as place:
        unpack_folder(source, Path(place), "of the backup")
        yield Reachable(path=Path(place), stdin=None)


def fill_empty(request: RestoreRequest, archive: Reachable, target: DatabaseAddress) -> None:
    """Load the archive into a database without tables; raises BackupError with what pg_restore said first."""
    if _is_older(request, target):
        replace_contents(request, archive, target)
        return
    argv = [
        *_pg_restore(request),
        "--exit-on-error",
        "--no-password",
        f"--dbname={connection_text(target.database)}",
    ]
    if archive.path is not None:
        argv += [f"--jobs={max(request.options.jobs, 1)}", str(archive.path)]
    with connection_environment(target, request.env) as env:
        try:
            run_command(argv, env=env, stdin=archive.stdin, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing="pg_restore", password=target.hidden) from exc


def replace_contents(request: RestoreRequest, archive: Reachable, target: DatabaseAddress) -> None:
    """Run `clear` and load the archive, both or nothing.

    Raises BackupToolError without psql, BackupError with what psql or pg_restore said first.
    """
    folder = Path(request.tools["directory"])
    psql = folder / "psql"
    if not is_program(psql):
        raise BackupToolError(
            f"psql was not found beside pg_restore in {folder}",
            next_step="Install the whole client package of that version, e.g. `apt-get install postgresql-client`.",
        )
    argv = [
        str(psql), "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null",
        f"--dbname={connection_text(target.database)}",
    ]  # fmt: skip
    with connection_environment(target, request.env) as env:
        try:
            feed_command(argv, _script(request, archive), env=env, tied=True)
        except ProcessError as exc:
            raise failed_tool(exc, doing="the restore", password=target.hidden) from exc


def _is_older(request: RestoreRequest, target: DatabaseAddress) -> bool:
    """Return whether a server does not know a setting that pg_restore would set; what cannot be asked may fail."""
    folder = Path(request.tools["directory"])
    numbers = version_numbers(request.tools.get("pg_restore", ""))
    if not numbers or numbers[0] < FIRST_WITH_TIMEOUT or not is_program(folder / "psql"):
        return False
    argv = [
        str(folder / "psql"), "--no-psqlrc", "--no-password", "-At", "--command=SHOW server_version_num",
        f"--dbname={connection_text(target.database)}",
    ]  # fmt: skip
    with connection_environment(target, request.env) as env:
        try:
            said = run_command(argv, env=env).stdout.strip()
        except ProcessError as exc:
            raise failed_tool(exc, doing="psql", password=target.hidden) from exc
    return said.isdigit() and int(said) // 10_000 < FIRST_WITH_TIMEOUT


def _script(request: RestoreRequest, archive: Reachable) -> Iterator[bytes]:
    """Yield SQL that ends in a commit only when pg_restore has read the archive to its end.

    With `--single-transaction` pg_restore begins (once more, which is a warning) and commits itself, and opens no
    transactions of its own around large objects. Should it fail, psql sees the end of its input and takes all back.
    """
    argv = [*_pg_restore(request), "--single-transaction", "--file=-"]
    if archive.path is not None:
        argv.append(str(archive.path))
    env = {**request.env, "LC_ALL": "C"}
    reader, writer = open_pipe()

    def write() -> None:
        with writer:
            run_command(argv, env=env, stdin=archive.stdin, stdout=writer, tied=True)

    yield f"BEGIN;\n{request.clear}\n".encode()
    companion = Companion(write)
    with reader:
        head = b""
        while len(head) < HEAD_BYTES and (data := reader.read(CHUNK_BYTES)):
            head += data
        yield head.replace(_TIMEOUT, _TIMEOUT_IF_KNOWN, 1)
        while data := reader.read(CHUNK_BYTES):
            yield data
    companion.join()
    if companion.error is not None:
        raise companion.error


def _pg_restore(request: RestoreRequest) -> list[str]:
    owner = [] if request.keep_owner else ["--no-owner", "--no-privileges"]
    return [str(Path(request.tools["directory"]) / "pg_restore"), *owner]
