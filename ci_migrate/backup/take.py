"""The backup stage: check the tools, write, prove, and only then say that there is a backup."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta, timezone
from typing import Any

from ci_migrate import __version__
from ci_migrate.backup.backends.protocol import Backend
from ci_migrate.backup.backends.registry import BACKENDS, NO_BACKUP, choose_backend, refuse_options
from ci_migrate.backup.backends.snapshot import SnapshotBackend, removal_of
from ci_migrate.backup.directory import name_archive
from ci_migrate.backup.encryption import SUFFIX as ENCRYPTED_SUFFIX
from ci_migrate.backup.encryption import parse_recipients
from ci_migrate.backup.inventory import choose_name, write_manifest
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.request import BackupOptions, BackupRequest, ProofRequest
from ci_migrate.backup.stores.protocol import Store
from ci_migrate.backup.writing import write_archive
from ci_migrate.errors import BackupError, CiMigrateError
from ci_migrate.models import NOT_TAKEN, Backup
from ci_migrate.times import format_time


def take_backup(request: BackupRequest, backend_name: str) -> Backup:
    """Back up the database and prove the archive; nothing half-written stays behind.

    `backend_name` is a backend, `auto` or `none`. Raises ConfigError when it does not fit the
    database or a recipient is none, BackupToolError when a client is missing or too old, BackupError for the rest.
    """
    backend_name = choose_backend(backend_name, request.address.dialect)
    if backend_name == NO_BACKUP:
        return NOT_TAKEN
    started = time.monotonic()
    backend = BACKENDS[backend_name]
    kept = [table for table in request.tables if not backend.leaves_out(request.options, table)]
    request = dataclasses.replace(request, tables=tuple(kept))
    manifest = _take(request, backend_name, started)
    return Backup(
        backend=backend_name,
        location=request.store.locate(manifest.archive),
        bytes=manifest.stored.bytes,
        sha256=manifest.stored.sha256,
        verified=manifest.verified,
        seconds=time.monotonic() - started,
        properties=request.properties,
    )


def _take(request: BackupRequest, backend_name: str, started: float) -> Manifest:
    backend, store = BACKENDS[backend_name], request.store
    refuse_options(backend_name, request.options)
    tools = backend.check_tools(request)
    recipients = _recipients(request)
    suffix = backend.archive_suffix(request.options) + (ENCRYPTED_SUFFIX if recipients else "")
    wanted = name_archive(request.environment, request.run_id, request.now.astimezone(timezone.utc))
    request = dataclasses.replace(request, name=choose_name(store, wanted, suffix))
    archive = request.name + suffix
    proof = _proof_request(request, backend, archive, tools)
    snapshots: list[str] = []
    with _given_up_on_failure(request, backend, snapshots):
        written = write_archive(
            lambda output: snapshots.append(backend.write_archive(request, output, tools)),
            lambda source: backend.verify_archive(proof, source),
            store=store,
            name=archive,
            recipients=recipients,
            env=request.env,
            expected_bytes=request.expected_bytes,
        )
        rows = request.read_rows()
        finished = request.now + timedelta(seconds=time.monotonic() - started)
        manifest = Manifest(
            **_describe(request, backend_name),
            name=request.name,
            archive=archive,
            location=store.locate(archive),
            plain=written.plain,
            stored=written.stored,
            verified=written.verified,
            verified_at=format_time(finished),
            tools=tools,
            rows={table: rows[table] for table in request.tables if table in rows},
            finished=format_time(finished),
        )
        _write_manifest(store, manifest)
    return manifest


@contextmanager
def _given_up_on_failure(
    request: BackupRequest, backend: Backend, snapshots: list[str]
) -> Iterator[None]:
    """Remove the snapshot of a backup that failed later, and say so where it stays.

    Not after a stop: there is no time for it.
    """
    try:
        yield
    except CiMigrateError as exc:
        if snapshots and isinstance(backend, SnapshotBackend):
            try:
                backend.delete_snapshot(removal_of(request), snapshots[0])
            except BackupError as error:
                exc.message += f"; its snapshot {snapshots[0]} stays: {error.message}"
        raise


def _write_manifest(store: Store, manifest: Manifest) -> None:
    try:
        write_manifest(store, manifest)
    except BaseException:
        # What stopped the backup is the news, not that a dead disk also refuses to forget it.
        with contextlib.suppress(BackupError):
            store.delete(manifest.archive)
        raise


def _recipients(request: BackupRequest) -> list[Any]:
    if not request.encrypt_to:
        return []
    own = (request.run_recipient,) if request.run_recipient else ()
    return parse_recipients((*request.encrypt_to, *own))


def _proof_request(
    request: BackupRequest, backend: Backend, archive: str, tools: Mapping[str, str]
) -> ProofRequest:
    return ProofRequest(
        name=archive,
        database=request.address.database,
        tables=request.tables,
        format=backend.archive_format(request.options),
        tools=tools,
        env=request.env,
        options=request.options,
        origin=request.origin,
        tell=request.tell,
    )


def _leaves_out(options: BackupOptions) -> bool:
    return bool(options.exclude_schemas or options.exclude_tables)


def _describe(request: BackupRequest, backend_name: str) -> dict[str, Any]:
    """Return what the manifest says about the database and the run."""
    address = request.address
    return {
        "backend": backend_name,
        "format": BACKENDS[backend_name].archive_format(request.options),
        "environment": request.environment,
        "database": address.database,
        "host": address.host or address.socket,
        "dialect": address.dialect,
        "server_version": request.server_version,
        "heads": request.heads,
        "tables": request.tables,
        "properties": request.properties,
        "activity": request.activity,
        # A foreign key to a table that is left out does not come back, nor does a view of one.
        "shapes": {} if _leaves_out(request.options) else request.shapes,
        "objects": {} if _leaves_out(request.options) else request.objects,
        "recipients": request.encrypt_to,
        "ci_migrate": __version__,
        "run_id": request.run_id,
        "run_url": request.run_url,
        "command": request.command,
        "started": format_time(request.now),
    }
