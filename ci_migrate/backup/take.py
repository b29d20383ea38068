"""The backup stage: check the tools, write, prove, and only then say that there is a backup."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from datetime import timedelta, timezone
from pathlib import Path

from ci_migrate import __version__
from ci_migrate.backup.backends import BACKENDS, NO_BACKUP, Backend, choose_backend
from ci_migrate.backup.checksum import hash_file
from ci_migrate.backup.directory import (
    create_archive,
    flush_to_disk,
    make_directory,
    name_archive,
    remove_files,
)
from ci_migrate.backup.failure import failed_file
from ci_migrate.backup.manifest import Manifest, format_time, manifest_path, write_manifest
from ci_migrate.backup.proof import unproved
from ci_migrate.backup.request import BackupRequest
from ci_migrate.models import Backup


def take_backup(request: BackupRequest, backend_name: str) -> Backup:
    """Back up the database and prove the archive; nothing half-written stays behind.

    `backend_name` is a backend, `auto` or `none`. Raises ConfigError when it does not fit the
    database, BackupToolError when a client is missing or too old, BackupError for the rest.
    """
    backend_name = choose_backend(backend_name, request.address.dialect)
    if backend_name == NO_BACKUP:
        return Backup(
            backend=NO_BACKUP,
            location="",
            bytes=0,
            sha256="",
            verified="not taken: the configuration says none",
            seconds=0.0,
        )
    started = time.monotonic()
    backend = BACKENDS[backend_name]
    tools = backend.check_tools(request)
    directory = make_directory(request.directory)
    name = name_archive(request.environment, request.run_id, request.now.astimezone(timezone.utc))
    archive = create_archive(directory, name, backend.suffix)
    try:
        manifest = _write_and_prove(request, backend_name, archive, tools, started)
        write_manifest(manifest, manifest_path(archive))
    except BaseException:
        # What stopped the backup is the news, not that a dead disk also refuses to forget it.
        with contextlib.suppress(OSError):
            remove_files(archive, manifest_path(archive))
        raise
    return Backup(
        backend=backend_name,
        location=str(archive),
        bytes=manifest.bytes,
        sha256=manifest.sha256,
        verified=manifest.verified,
        seconds=time.monotonic() - started,
    )


def verify_backup(
    request: BackupRequest, backend: Backend, manifest: Manifest, archive: Path
) -> str:
    """Prove an archive against its manifest and by its backend; return how, in words.

    Raises BackupError when it is empty, differs from its checksum, or the backend finds it wanting.
    """
    sha256, size = _hash(archive)
    if size == 0:
        raise unproved(archive, "it is empty")
    if (sha256, size) != (manifest.sha256, manifest.bytes):
        raise unproved(
            archive,
            f"it has {size:,} bytes and SHA-256 {sha256[:12]}…,"
            f" not {manifest.bytes:,} bytes and {manifest.sha256[:12]}… as written",
        )
    return f"{backend.verify_archive(request, archive, manifest.tools)}, checksum re-read"


def _write_and_prove(
    request: BackupRequest,
    backend_name: str,
    archive: Path,
    tools: Mapping[str, str],
    started: float,
) -> Manifest:
    backend = BACKENDS[backend_name]
    backend.write_archive(request, archive, tools)
    try:
        flush_to_disk(archive)
    except OSError as exc:
        raise failed_file(exc, doing="writing the archive to the disk", path=archive) from exc
    sha256, size = _hash(archive)
    address = request.address
    manifest = Manifest(
        archive=archive.name,
        backend=backend_name,
        environment=request.environment,
        database=address.database,
        host=address.host or address.socket,
        dialect=address.dialect,
        server_version=request.server_version,
        heads=request.heads,
        tables=request.tables,
        bytes=size,
        sha256=sha256,
        verified="",
        tools=tools,
        ci_migrate=__version__,
        run_id=request.run_id,
        started=format_time(request.now),
        finished="",
    )
    verified = verify_backup(request, backend, manifest, archive)
    finished = request.now + timedelta(seconds=time.monotonic() - started)
    return dataclasses.replace(manifest, verified=verified, finished=format_time(finished))


def _hash(archive: Path) -> tuple[str, int]:
    try:
        return hash_file(archive)
    except OSError as exc:
        raise failed_file(exc, doing="reading the archive back", path=archive) from exc
