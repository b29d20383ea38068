"""Removal of old backups: only our own, and never the newest that is proved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.removal import remove_backup
from ci_migrate.backup.request import BackupOptions
from ci_migrate.backup.stores.protocol import Store
from ci_migrate.times import parse_time

CUT_OFF_AFTER = timedelta(days=1)
"""Age at which an unfinished upload belongs to a run that is dead."""


def find_surplus(
    backups: tuple[Manifest, ...], *, keep: int | None, keep_days: int | None, now: datetime
) -> tuple[Manifest, ...]:
    """Return the backups (given and returned oldest first) that neither rule keeps; the newest is always kept.

    `keep` is a number of backups, `keep_days` an age in days by the time in the manifest. With both, a backup goes
    only when both let it go. With neither, all stay. What has a manifest was proved before it got one.
    """
    if keep is None and keep_days is None:
        return ()
    newest_kept = max(keep or 1, 1)
    surplus = backups[: max(len(backups) - newest_kept, 0)]
    if keep_days is None:
        return surplus
    oldest = now - timedelta(days=keep_days)
    return tuple(one for one in surplus if parse_time(one.finished) < oldest)


def prune_backups(
    store: Store,
    environment: str,
    *,
    keep: int | None,
    keep_days: int | None,
    now: datetime,
    options: BackupOptions,
    env: Mapping[str, str],
) -> tuple[str, ...]:
    """Remove the surplus of an environment with its manifests, and what cut-off uploads left.

    Files without a readable manifest of ours are not touched. Returns the places of the removed archives, oldest
    first. Raises BackupError when one cannot be removed.
    """
    backups = take_inventory(store, environment).backups
    surplus = find_surplus(backups, keep=keep, keep_days=keep_days, now=now)
    for manifest in surplus:
        remove_backup(manifest, store, options, env=env)
    store.sweep(now - CUT_OFF_AFTER)
    return tuple(store.locate(manifest.archive) for manifest in surplus)
