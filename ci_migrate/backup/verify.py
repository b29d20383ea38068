"""Proof of a backup that lies in a store: its bytes, its key, its contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ci_migrate.backup.backends.registry import backend_of
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.reading import check_stored, open_backup
from ci_migrate.backup.request import BackupOptions, ProofRequest
from ci_migrate.backup.stores.protocol import Store

NOT_DECRYPTED = "checksum of the encrypted archive re-read; not decrypted, no identity was given"


def verify_backup(
    manifest: Manifest,
    store: Store,
    identities: Sequence[Any] = (),
    *,
    env: Mapping[str, str],
    options: BackupOptions | None = None,
) -> str:
    """Prove a stored backup by its manifest, read from the store with `inventory`; return how, in words.

    `options` say how a snapshot is looked at; dumps need none.
    Without an identity an encrypted one is proved by its checksum only, and the answer says so.
    Raises BackupError when it is missing, empty, not what was written, not decipherable, or the backend finds it
    wanting; BackupToolError when this machine lacks the program to look into it.
    """
    if manifest.encrypted and not identities:
        check_stored(manifest, store)
        return NOT_DECRYPTED
    backend = backend_of(manifest.backend)
    request = ProofRequest(
        name=manifest.archive,
        database=manifest.database,
        tables=manifest.tables,
        format=manifest.format,
        tools=backend.find_tools(manifest.tools, env),
        env=env,
        options=options or BackupOptions(),
        origin=manifest.origin,
    )
    with open_backup(manifest, store, identities, env=env) as source:
        proof = backend.verify_archive(request, source)
    how = "decrypted, checksums re-read" if manifest.encrypted else "checksum re-read"
    return f"{proof}, {how}"
