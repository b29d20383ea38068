"""Backups as lines for the console, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ci_migrate.backup.manifest import Manifest
from ci_migrate.redact import one_line
from ci_migrate.report.prose import short_list
from ci_migrate.report.units import format_bytes, format_time


def backup_lines(backups: Iterable[Manifest]) -> Iterator[str]:
    """Yield each backup with its place and proof."""
    for manifest in backups:
        yield backup_line(manifest)
        yield f"    {one_line(manifest.location, 500)}"
        yield f"    {manifest.backend}: {one_line(manifest.verified, 300)}, {format_time(manifest.verified_at)}"
        yield f"    rows of {len(manifest.rows)} of {len(manifest.tables)} tables counted"
        run = manifest.run_url or f"run {manifest.run_id}"
        before = (
            f", before its {manifest.command}" if manifest.command not in ("", "backup") else ""
        )
        yield f"    by {one_line(run, 300)}{one_line(before, 60)}"


def backup_line(manifest: Manifest) -> str:
    """Return one backup as a line: name, time, version rows, size, and whether it is encrypted."""
    lock = ", encrypted" if manifest.encrypted else ""
    return (
        f"{one_line(manifest.name, 200)}  {format_time(manifest.started)}  at {short_list(manifest.heads)},"
        f" {format_bytes(manifest.stored.bytes)}{lock}"
    )


def backup_facts(manifest: Manifest) -> dict[str, Any]:
    """Return one backup as JSON shows it."""
    return {
        "name": manifest.name,
        "location": manifest.location,
        "started": manifest.started,
        "finished": manifest.finished,
        "heads": list(manifest.heads),
        "backend": manifest.backend,
        "tables": len(manifest.tables),
        "counted_tables": len(manifest.rows),
        "bytes": manifest.stored.bytes,
        "sha256": manifest.stored.sha256,
        "encrypted": manifest.encrypted,
        "verified": manifest.verified,
        "verified_at": manifest.verified_at,
        "run_id": manifest.run_id,
        "run_url": manifest.run_url or None,
        "command": manifest.command or None,
    }
