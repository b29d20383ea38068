"""Which backup of an environment is meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.manifest import Manifest
from ci_migrate.errors import UsageError
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from ci_migrate.backup.stores.protocol import Store
    from ci_migrate.database.address import DatabaseAddress

MOST_NAMED = 5


def _is_of(manifest: Manifest, address: DatabaseAddress) -> bool:
    """Return whether a backup is of a database of this name; a file, and a server, may be somewhere else by now."""
    names = [manifest.database, address.database]
    if address.dialect == "sqlite":
        names = [PurePath(name).name for name in names]
    return manifest.dialect == address.dialect and names[0] == names[1]


def choose_backup(
    store: Store,
    environment: str,
    wanted: str | None,
    *,
    restores: bool = False,
    address: DatabaseAddress | None = None,
) -> Manifest:
    """Return the backup of that name (or of that archive); raises UsageError when there is none.

    Without a name the newest; for one that `restores` none that a restore took before its work: that is the state to
    get away from, and a restore that is run once more would bring it back. With an `address` only of a database of
    that name: another project may have an environment of the same name. One that is named is taken as it is.
    """
    found = take_inventory(store, environment)
    if wanted is None and address is not None:
        others = tuple(each for each in found.backups if not _is_of(each, address))
        found = replace(
            found,
            backups=tuple(each for each in found.backups if each not in others),
            problems=(*found.problems, *(f"{each.name} is of {each.database}" for each in others)),
        )
    if wanted is None and found.backups:
        wished = [each for each in found.backups if not restores or each.command != "restore"]
        return (wished or found.backups)[-1]
    for manifest in found.backups:
        if wanted in (manifest.name, manifest.archive, store.locate(manifest.archive)):
            return manifest
    problems = found.problems
    broken = f" (and {len(problems)} that cannot be used: {problems[0]})" if problems else ""
    if wanted is None:
        raise UsageError(
            f"there is no backup of {environment} in {store.location}{broken}",
            next_step="Look at the environment's `backup.store`, or take one: ci-migrate backup take.",
        )
    newest = ", ".join(manifest.name for manifest in found.backups[-MOST_NAMED:]) or "none"
    raise UsageError(
        f"there is no backup {one_line(wanted, 200)} of {environment} in {store.location}{broken}",
        next_step=f"Name one that `ci-migrate backup list` shows; the newest are: {newest}.",
    )
