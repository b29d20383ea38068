"""Removal of old backups: only our own, and never the newest that is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ci_migrate.backup.backends.registry import backend_of
from ci_migrate.backup.backends.snapshot import SnapshotBackend
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.reading import check_stored
from ci_migrate.backup.removal import remove_backup
from ci_migrate.backup.request import BackupOptions
from ci_migrate.backup.stores.protocol import Store
from ci_migrate.backup.verify import verify_backup
from ci_migrate.errors import BackupError
from ci_migrate.times import parse_time

CUT_OFF_AFTER = timedelta(days=1)
"""Age at which an unfinished upload belongs to a run that is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRequest:
    """Which backups may go: of an environment in a store, by two rules."""

    store: Store
    environment: str
    keep: int | None
    """Number of backups that stay, the newest."""
    keep_days: int | None
    """Age at which they may go."""
    now: datetime
    options: BackupOptions
    env: Mapping[str, str]
    proved: str = ""
    """Where the backup lies that was proved just now, and need not be read again."""
    place: tuple[str, str, str] | None = None
    """Dialect, database and host whose backups may go, for another project may have an environment of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """What may go from a store, and what was found on the way."""

    backups: tuple[Manifest, ...]
    """Oldest first."""
    spoilt: tuple[str, ...] = ()
    """Why backups newer than the one that stays as whole cannot be used, a sentence each."""


def exceed_rules(
    backups: tuple[Manifest, ...], *, keep: int | None, keep_days: int | None, now: datetime
) -> tuple[Manifest, ...]:
    """Return the backups (given and returned oldest first) that neither rule keeps; the newest is always kept.

    `keep` is a number of backups, `keep_days` an age in days by the time in the manifest. With both, a backup goes
    only when both let it go. With neither, all stay.
    """
    if keep is None and keep_days is None:
        return ()
    newest_kept = max(keep or 1, 1)
    surplus = backups[: max(len(backups) - newest_kept, 0)]
    if keep_days is None:
        return surplus
    oldest = now - timedelta(days=keep_days)
    return tuple(one for one in surplus if parse_time(one.finished) < oldest)


def find_surplus(request: PruneRequest) -> Surplus:
    """Return the backups that the rules let go, but never the newest that is whole now.

    Before anything may go, the newest ones are read again until one is whole. Where none is, all stay.
    Raises BackupError when the store is out of reach.
    """
    backups = tuple(
        manifest
        for manifest in take_inventory(request.store, request.environment).backups
        if request.place in {None, manifest.place}
    )
    surplus = exceed_rules(backups, keep=request.keep, keep_days=request.keep_days, now=request.now)
    if not surplus:
        return Surplus(backups=())
    spoilt: list[str] = []
    for manifest in reversed(backups):
        try:
            if manifest.location != request.proved:
                _check(manifest, request)
        except BackupError as exc:
            spoilt.append(f"{manifest.name}: {exc.message}")
            continue
        going = tuple(one for one in surplus if one is not manifest)
        return Surplus(backups=going, spoilt=tuple(spoilt))
    return Surplus(backups=(), spoilt=tuple(spoilt))


def prune_backups(request: PruneRequest) -> Surplus:
    """Remove the surplus with its manifests, and what cut-off uploads left in the store; return it.

    Files without a readable manifest of ours are not touched. Raises BackupError when one cannot be removed.
    """
    surplus = find_surplus(request)
    for manifest in surplus.backups:
        remove_backup(manifest, request.store, request.options, env=request.env)
    request.store.sweep(request.now - CUT_OFF_AFTER)
    return surplus


def _check(manifest: Manifest, request: PruneRequest) -> None:
    """Raise BackupError when the stored bytes are not those of the manifest, or its snapshot is gone."""
    if isinstance(backend_of(manifest.backend), SnapshotBackend):
        verify_backup(manifest, request.store, env=request.env, options=request.options)
    else:
        check_stored(manifest, request.store)
