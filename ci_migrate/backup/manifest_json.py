"""Manifests as JSON: version 2 with a seal over all of it, and the reader of version 1."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ci_migrate.backup.checksum import Checksum
from ci_migrate.backup.manifest import MANIFEST_SUFFIX, Manifest
from ci_migrate.backup.request import TableName
from ci_migrate.database.activity import Written
from ci_migrate.errors import BackupError
from ci_migrate.times import parse_time

FORMAT = "ci-migrate-backup"
FORMAT_VERSION = 2
_NO_PATH = re.compile(r"[^/\\\x00-\x1f]+")
"""An archive lies beside its manifest: its name leads nowhere else."""
_TEXTS = (
    "archive", "location", "backend", "format", "environment", "database", "host", "dialect", "server_version",
    "proof", "verified", "verified_at", "ci_migrate", "run_id", "run_url", "started", "finished",
)  # fmt: skip


def render_manifest(manifest: Manifest) -> bytes:
    """Return the JSON text of a manifest, with its seal."""
    content: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION}
    content |= {key: getattr(manifest, key) for key in _TEXTS if key != "format"}
    content |= {
        "archive_format": manifest.format,
        "heads": list(manifest.heads),
        "tables": [
            {**_render_table(table, manifest.rows.get(table)), "shape": manifest.shapes.get(table)}
            for table in manifest.tables
        ],
        "objects": {kind: sorted(found) for kind, found in manifest.objects.items()},
        "activity": [_render_activity(name, at) for name, at in manifest.activity.items()],
        "sequences": [_render_table(name, at) for name, at in manifest.sequences.items()],
        "properties": dict(manifest.properties),
        "bytes": manifest.stored.bytes,
        "sha256": manifest.stored.sha256,
        "plain_bytes": manifest.plain.bytes,
        "plain_sha256": manifest.plain.sha256,
        "encrypted": manifest.encrypted,
        "recipients": list(manifest.recipients),
        "tools": dict(manifest.tools),
    }
    content["command"] = manifest.command
    content["seal"] = _seal(content)
    return json.dumps(content, indent=2, ensure_ascii=True).encode() + b"\n"


def parse_manifest(text: bytes, file_name: str) -> Manifest:
    """Return the manifest in the text of a file.

    Raises BackupError when it is no manifest of ours, was edited, belongs to a file of another name, or is of a
    newer format.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _no_manifest(file_name, "it is not JSON") from exc
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _no_manifest(file_name, f"its format is not {FORMAT!r}")
    version = content.get("format_version")
    if version not in (1, FORMAT_VERSION):
        raise BackupError(
            f"the backup manifest {file_name} has format version {version!r}, known is {FORMAT_VERSION}",
            next_step="Use the version of ci-migrate that wrote it, or a newer one.",
        )
    if version == FORMAT_VERSION and content.get("seal") != _seal(content):
        raise _no_manifest(file_name, "it was edited after it was written (its seal is broken)")
    try:
        manifest = _manifest_of(
            content if version == FORMAT_VERSION else _upgrade(content), file_name
        )
        parse_time(manifest.finished)
    except KeyError as exc:
        raise _no_manifest(file_name, f"{exc.args[0]} is missing") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise _no_manifest(file_name, str(exc)) from exc
    is_of_this = manifest.archive.startswith(f"{manifest.name}.")
    if not is_of_this or not _NO_PATH.fullmatch(manifest.archive):
        raise _no_manifest(file_name, f"it belongs to another archive, {manifest.archive!r}")
    return manifest


def _manifest_of(content: Mapping[str, Any], file_name: str) -> Manifest:
    texts = {key: _text(content, key) for key in _TEXTS if key != "format"}
    tables = [(_table_of(item), item["rows"]) for item in content["tables"]]
    return Manifest(
        **texts,
        name=file_name.removesuffix(MANIFEST_SUFFIX),
        format=_text(content, "archive_format"),
        command=str(content.get("command", "")),
        heads=tuple(str(head) for head in content["heads"]),
        tables=tuple(table for table, _ in tables),
        rows={table: int(rows) for table, rows in tables if rows is not None},
        shapes={
            _table_of(item): str(item["shape"]) for item in content["tables"] if item.get("shape")
        },
        objects={
            str(kind): frozenset(map(str, found))
            for kind, found in content.get("objects", {}).items()
        },
        activity={_table_of(item): _activity_of(item) for item in content["activity"]},
        sequences={_table_of(item): int(item["rows"]) for item in content["sequences"]},
        properties=_texts(content["properties"]),
        stored=Checksum(int(content["bytes"]), _text(content, "sha256")),
        plain=Checksum(int(content["plain_bytes"]), _text(content, "plain_sha256")),
        recipients=tuple(str(key) for key in content["recipients"]),
        tools=_texts(content["tools"]),
    )


def _upgrade(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of version 1, which knew plain archives in directories only, in the words of version 2."""
    tables = [{"schema": schema, "name": name, "rows": None} for schema, name in content["tables"]]
    return {
        **content,
        "tables": tables,
        "location": content["archive"],
        "archive_format": "custom" if content["backend"] == "postgres" else "",
        "plain_bytes": content["bytes"],
        "plain_sha256": content["sha256"],
        "proof": "list",
        "verified_at": content["finished"],
        "run_url": "",
        "activity": [],
        "sequences": [],
        "properties": {},
        "recipients": [],
    }


def _seal(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything but the seal; finds accidents and edits, not a forger."""
    sealed = {key: value for key, value in content.items() if key != "seal"}
    return hashlib.sha256(json.dumps(sealed, sort_keys=True).encode()).hexdigest()


def _render_table(table: TableName, number: int | None) -> dict[str, Any]:
    return {"schema": table[0], "name": table[1], "rows": number}


def _render_activity(table: TableName, written: Written) -> dict[str, Any]:
    counters = (written.inserted, written.updated, written.deleted)
    return {"schema": table[0], "name": table[1], "written": list(counters)}


def _activity_of(item: Mapping[str, Any]) -> Written:
    inserted, updated, deleted = (int(count) for count in item["written"])
    return Written(inserted=inserted, updated=updated, deleted=deleted)


def _table_of(item: Mapping[str, Any]) -> TableName:
    schema = item["schema"]
    return (None if schema is None else str(schema), str(item["name"]))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in values.items()}


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}")
    return value


def _no_manifest(file_name: str, reason: str) -> BackupError:
    return BackupError(
        f"{file_name} is not a usable backup manifest of ci-migrate: {reason}",
        next_step="Name the .json file beside the archive; a damaged one cannot be used.",
    )
