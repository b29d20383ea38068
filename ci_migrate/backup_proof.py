"""The backups of an environment looked after: proved again, and thinned out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ci_migrate.backup.inventory import take_inventory, write_manifest
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup_choice import choose_backup
from ci_migrate.config.environment import Environment
from ci_migrate.database.url import address_of, parse_url
from ci_migrate.environment_store import (
    load_environment_identities,
    open_environment_store,
    read_backup_options,
)
from ci_migrate.errors import BackupError, UsageError
from ci_migrate.times import format_time


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofResult:
    """What came out for one backup."""

    name: str
    is_good: bool
    text: str
    """How it was proved, or why it cannot be used."""


def prove_backups(
    environment: Environment,
    env: Mapping[str, str],
    wanted: str | None,
    *,
    every: bool,
    now: Callable[[], datetime],
) -> Iterator[ProofResult]:
    """Prove the named backup, the newest, or every one, and keep in its manifest how and when.

    With `every`, manifests that cannot be used are told as well. Raises UsageError when there is none.
    """
    from ci_migrate.backup.verify import verify_backup

    store = open_environment_store(environment, env)
    identities = load_environment_identities(environment, env)
    options = read_backup_options(environment)
    found = take_inventory(store, environment.name)
    chosen: tuple[Manifest, ...] = found.backups
    if not every:
        chosen = (choose_backup(store, environment.name, wanted),)
    for manifest in chosen:
        try:
            proof = verify_backup(manifest, store, identities, env=env, options=options)
        except BackupError as exc:
            yield ProofResult(name=manifest.name, is_good=False, text=exc.message)
            continue
        proved = dataclasses.replace(manifest, verified=proof, verified_at=format_time(now()))
        try:
            write_manifest(store, proved, replace=True)
        except BackupError as exc:
            proof += f" (this could not be written into its manifest: {exc.message})"
        yield ProofResult(name=manifest.name, is_good=True, text=proof)
    for problem in found.problems if every else ():
        yield ProofResult(name="manifest", is_good=False, text=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a thinning-out did."""

    places: tuple[str, ...]
    """Of the archives that went, or would, oldest first."""
    spoilt: tuple[str, ...]
    """Newer backups that were found damaged, a sentence each."""


def prune_environment(
    environment: Environment,
    env: Mapping[str, str],
    *,
    keep: int | None,
    keep_days: int | None,
    now: datetime,
    dry_run: bool,
) -> Pruned:
    """Remove what neither rule keeps, but never the newest whole one; missing rules come from the configuration.

    Raises UsageError without any rule, BackupError when one cannot be removed.
    """
    from ci_migrate.backup.prune import PruneRequest, find_surplus, prune_backups

    if keep is None and keep_days is None:
        keep, keep_days = environment.backup.keep, environment.backup.keep_days
    if keep is None and keep_days is None:
        raise UsageError(
            f"{environment.name} keeps all its backups: neither keep nor keep_days says which may go",
            next_step="Give --keep COUNT or --keep-days DAYS, or set one under `backup` in the configuration.",
        )
    store = open_environment_store(environment, env)
    request = PruneRequest(
        store=store,
        environment=environment.name,
        keep=keep,
        keep_days=keep_days,
        now=now,
        options=read_backup_options(environment),
        env=env,
        place=address_of(parse_url(environment.lock_url, root=environment.root)).backed_up,
    )
    surplus = find_surplus(request) if dry_run else prune_backups(request)
    return Pruned(
        places=tuple(store.locate(manifest.archive) for manifest in surplus.backups),
        spoilt=surplus.spoilt,
    )
