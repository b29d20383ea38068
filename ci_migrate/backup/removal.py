"""A backup given up: the snapshot that it names, its archive, its manifest."""

from __future__ import annotations

from collections.abc import Mapping

from ci_migrate.backup.backends.registry import backend_of
from ci_migrate.backup.backends.snapshot import SnapshotBackend, read_snapshot
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.reading import open_backup
from ci_migrate.backup.request import BackupOptions, RemovalRequest
from ci_migrate.backup.stores.protocol import Store


def remove_backup(
    manifest: Manifest, store: Store, options: BackupOptions, *, env: Mapping[str, str]
) -> None:
    """Remove all of a backup; raises BackupError when a part of it stays, which can be tried again."""
    backend = backend_of(manifest.backend)
    if isinstance(backend, SnapshotBackend):
        with open_backup(manifest, store, env=env) as source:
            snapshot = read_snapshot(manifest.archive, source)
        request = RemovalRequest(env=env, options=options, origin=manifest.origin)
        backend.delete_snapshot(request, snapshot)
    # The archive first: a stop in between leaves a manifest, not an archive nobody counts.
    store.delete(manifest.archive)
    store.delete(manifest.file_name)
