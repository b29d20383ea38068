"""Removal of old archives: only our own, and never the newest."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ci_migrate.backup.directory import remove_files
from ci_migrate.backup.failure import failed_file
from ci_migrate.backup.manifest import Manifest, manifest_path, parse_time, read_manifest
from ci_migrate.errors import BackupError


def prune_backups(directory: Path, environment: str, keep: int) -> tuple[str, ...]:
    """Remove the oldest archives of an environment, with their manifests, beyond the `keep` newest.

    The age is the time in the manifest. At least one archive is kept. Files without a readable
    manifest of ours are not touched. Returns the paths of the removed archives, oldest first.
    Raises BackupError when one cannot be removed.
    """
    found = _find_archives(directory, environment)
    surplus = found[: -max(keep, 1)]
    try:
        for _, archive in surplus:
            # The archive first: a stop in between leaves a manifest, not an archive nobody counts.
            remove_files(archive, manifest_path(archive))
    except OSError as exc:
        raise failed_file(exc, doing="removing an old backup", path=directory) from exc
    return tuple(str(archive) for _, archive in surplus)


def _find_archives(directory: Path, environment: str) -> list[tuple[datetime, Path]]:
    """Return time and path of the environment's archives, oldest first."""
    found = []
    for path in sorted(directory.glob("*.json")):
        manifest = _read_ours(path)
        if manifest is None or manifest.environment != environment:
            continue
        archive = directory / manifest.archive
        # A manifest may speak only for the file beside it.
        if archive.parent == directory and manifest_path(archive) == path and archive.is_file():
            found.append((parse_time(manifest.finished), archive))
    return sorted(found)


def _read_ours(path: Path) -> Manifest | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return read_manifest(path)
    except BackupError:
        return None
