"""The record beside an archive: what it holds, how it was made, how it was proved."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ci_migrate.backup.directory import flush_to_disk, open_exclusive
from ci_migrate.backup.failure import failed_file
from ci_migrate.errors import BackupError

FORMAT = "ci-migrate-backup"
FORMAT_VERSION = 1
LARGEST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known about one archive; no user name and no password is in it."""

    archive: str
    """File name of the archive, which lies beside the manifest."""
    backend: str
    environment: str
    database: str
    host: str
    dialect: str
    server_version: str
    heads: tuple[str, ...]
    tables: tuple[tuple[str | None, str], ...]
    bytes: int
    sha256: str
    verified: str
    """How the archive was proved, in words; a manifest is written only after that."""
    tools: Mapping[str, str] = field(default_factory=dict)
    ci_migrate: str
    run_id: str
    started: str
    """UTC, ISO 8601 with milliseconds and a trailing Z."""
    finished: str


def manifest_path(archive: Path) -> Path:
    """Return the path of an archive's manifest: the same name, ending in `.json`."""
    return archive.with_suffix(".json")


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest, mode 0600, through to the disk; never over another file.

    Raises BackupError when it cannot be written.
    """
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(manifest)}
    try:
        with os.fdopen(open_exclusive(path), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, ensure_ascii=True)
            file.write("\n")
        flush_to_disk(path)
    except OSError as exc:
        raise failed_file(exc, doing="writing the backup manifest", path=path) from exc


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in a file.

    Raises BackupError when it cannot be read, is no manifest of ours, or is of a newer format.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_BYTES)
    except OSError as exc:
        raise failed_file(exc, doing="reading the backup manifest", path=path) from exc
    try:
        content = json.loads(text)
    except ValueError as exc:
        raise _no_manifest(path, "it is not JSON") from exc
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _no_manifest(path, f"its format is not {FORMAT!r}")
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise BackupError(
            f"the backup manifest {path} has format version {version!r}, known is {FORMAT_VERSION}",
            next_step="Use the version of ci-migrate that wrote it, or a newer one.",
        )
    return _manifest_of(content, path)


def parse_time(text: str) -> datetime:
    """Return the moment a manifest names; raises ValueError when it names none."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def format_time(moment: datetime) -> str:
    """Return a moment as UTC, ISO 8601 with milliseconds and a trailing Z."""
    utc = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def _manifest_of(content: dict[str, Any], path: Path) -> Manifest:
    try:
        values = {one.name: content[one.name] for one in fields(Manifest)}
        values["heads"] = tuple(str(head) for head in values["heads"])
        values["tables"] = tuple((schema, str(name)) for schema, name in values["tables"])
        values["tools"] = {str(key): str(value) for key, value in values["tools"].items()}
        values["bytes"] = int(values["bytes"])
        for key in ("archive", "backend", "environment", "sha256", "started", "finished"):
            if not isinstance(values[key], str):
                raise _no_manifest(path, f"{key} is {values[key]!r}")
        parse_time(values["finished"])
        return Manifest(**values)
    except KeyError as exc:
        raise _no_manifest(path, f"{exc.args[0]} is missing") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise _no_manifest(path, str(exc)) from exc


def _no_manifest(path: Path, reason: str) -> BackupError:
    return BackupError(
        f"{path} is not a backup manifest of ci-migrate: {reason}",
        next_step="Name the .json file beside the archive; a damaged one cannot be used.",
    )
