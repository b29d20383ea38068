"""Which backups a store holds: found by their manifests, the only ones that count."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.backup.manifest import MANIFEST_SUFFIX, RUN_SUFFIX, Manifest
from ci_migrate.backup.manifest_json import parse_manifest, render_manifest
from ci_migrate.backup.stores.protocol import Store
from ci_migrate.errors import BackupError
from ci_migrate.times import parse_time

LARGEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a store holds for an environment."""

    backups: tuple[Manifest, ...]
    """Whole ones, the oldest first."""
    problems: tuple[str, ...]
    """Manifests that cannot be used, and why; also of other environments, for nobody can tell."""


def take_inventory(store: Store, environment: str) -> Inventory:
    """Return the backups of an environment; raises BackupError when the store cannot be read."""
    files = {file.name: file.bytes for file in store.list()}
    found, problems = [], []
    for name in sorted(files):
        if not name.endswith(MANIFEST_SUFFIX) or name.endswith(RUN_SUFFIX):
            continue
        try:
            manifest = read_manifest(store, name)
        except BackupError as exc:
            problems.append(exc.message)
            continue
        if manifest.environment != environment:
            continue
        size = files.get(manifest.archive)
        if size == manifest.stored.bytes:
            found.append(manifest)
        elif size is None:
            problems.append(f"{name}: its archive {manifest.archive} is missing")
        else:
            problems.append(
                f"{name}: its archive has {size:,} bytes, not {manifest.stored.bytes:,} as written"
            )
    found.sort(key=lambda manifest: parse_time(manifest.finished))
    return Inventory(backups=tuple(found), problems=tuple(problems))


def read_manifest(store: Store, file_name: str) -> Manifest:
    """Return the manifest in a file of the store; raises BackupError when it is none or was edited."""
    text = bytearray()
    with store.open(file_name) as reader:
        while data := reader.read(1 << 20):
            text += data
            if len(text) > LARGEST_BYTES:
                raise BackupError(f"{file_name} is too large for a backup manifest")
    return parse_manifest(bytes(text), file_name)


def write_manifest(store: Store, manifest: Manifest, *, replace: bool = False) -> None:
    """Write a manifest into the store; over an older one of the same backup only with `replace`."""
    store.put(manifest.file_name, render_manifest(manifest), replace=replace)


def choose_name(store: Store, wanted: str, suffix: str) -> str:
    """Return a name for a backup that nothing in the store has: the wanted one, or with a number.

    Raises BackupError when the store cannot be reached or every name is taken.
    """
    for number in range(1, 100):
        name = wanted if number == 1 else f"{wanted}-{number}"
        if not store.exists(name + suffix) and not store.exists(name + MANIFEST_SUFFIX):
            return name
    raise BackupError(
        f"every name for the archive is taken: {store.locate(wanted + suffix)}",
        next_step="Look into the store and move old archives away.",
    )
