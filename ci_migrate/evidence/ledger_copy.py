"""The ledger out of band: each run's rows as a file beside the backups, so that history survives a restore."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.backup.directory import may_be_of, name_archive
from ci_migrate.backup.manifest import RUN_SUFFIX
from ci_migrate.errors import BackupError
from ci_migrate.times import parse_time

if TYPE_CHECKING:
    from ci_migrate.backup.stores.protocol import Store

FORMAT = "ci-migrate-run"
FORMAT_VERSION = 1
LARGEST_BYTES = 256 << 20
_KINDS = {"run", "revision", "override"}
_ALWAYS = ("run_id", "kind", "environment", "command", "outcome", "started_at")
_OF_REVISIONS = ("revision", "direction")
_LISTS = ("parents", "from_rows", "to_rows")
_OBJECTS = ("backup", "failure", "versions")
_TEXTS = (
    "finished_at",
    "message",
    "content_hash",
    "source",
    "branch",
    "commit_sha",
    "actor",
    "run_url",
    "host",
    "detail",
)
_COLUMNS = (*_ALWAYS, *_OF_REVISIONS, *_LISTS, *_OBJECTS, *_TEXTS, "seconds")
"""What the ledger's table has, but for its own key; what a copy lacks is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCopy:
    """What a file says of one run."""

    rows: tuple[Mapping[str, Any], ...]
    """As in the ledger, the run itself first."""

    @property
    def run(self) -> Mapping[str, Any]:
        """The row of the run itself."""
        return self.rows[0]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.run["run_id"])

    @property
    def started_at(self) -> str:
        """When the run began; UTC, ISO 8601."""
        return str(self.run["started_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCopies:
    """The copies in a store."""

    runs: tuple[RunCopy, ...]
    """Oldest first."""
    problems: tuple[str, ...]
    """Files of the environment that cannot be used, and why."""


def write_copy(store: Store, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows of one run, over an older state of the same run; raises BackupError."""
    run = rows[0]
    moment = parse_time(str(run["started_at"]))
    name = name_archive(str(run["environment"]), str(run["run_id"]), moment) + RUN_SUFFIX
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "rows": [dict(r) for r in rows]}
    store.put(name, json.dumps(content, indent=1).encode() + b"\n", replace=True)


def read_copies(store: Store, environment: str) -> RunCopies:
    """Return the copies of an environment's runs; raises BackupError when the store cannot be read."""
    found, problems = [], []
    for file in store.list():
        if not file.name.endswith(RUN_SUFFIX) or not may_be_of(file.name, environment):
            continue
        try:
            copy = RunCopy(rows=tuple(_parse(_read(store, file.name), file.name)))
        except BackupError as exc:
            problems.append(exc.message)
            continue
        if copy.run["environment"] == environment:
            found.append(copy)
    found.sort(key=lambda copy: copy.started_at)
    return RunCopies(runs=tuple(found), problems=tuple(problems))


def history_rows(copies: RunCopies) -> list[dict[str, Any]]:
    """Return the runs as `Ledger.runs` does: each a row with its `revisions` and `overrides`."""
    return [
        {
            **copy.run,
            "revisions": [dict(row) for row in copy.rows if row["kind"] == "revision"],
            "overrides": [dict(row) for row in copy.rows if row["kind"] == "override"],
        }
        for copy in copies.runs
    ]


def _read(store: Store, name: str) -> bytes:
    text = bytearray()
    with store.open(name) as reader:
        while data := reader.read(1 << 20):
            text += data
            if len(text) > LARGEST_BYTES:
                raise BackupError(f"{name} is too large for the record of a run")
    return bytes(text)


def _parse(text: bytes, name: str) -> Iterator[Mapping[str, Any]]:
    try:
        content = json.loads(text)
        if content["format"] != FORMAT or content["format_version"] != FORMAT_VERSION:
            raise _unusable(name, "it is of another format, or of a newer version")
        rows = content["rows"]
        if rows[0]["kind"] != "run":
            raise _unusable(name, "its first row is not that of a run")
        for row in rows:
            if row["kind"] not in _KINDS or row["run_id"] != rows[0]["run_id"]:
                raise _unusable(name, "its rows are not of one run")
            yield {key: _value(key, row.get(key), row["kind"]) for key in _COLUMNS}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as exc:
        raise _unusable(name, f"{type(exc).__name__}: {exc}") from exc


def _value(key: str, value: Any, kind: str) -> Any:
    """Return a value as the ledger's table has it; raises ValueError for what it cannot hold."""
    must = key in _ALWAYS or (kind == "revision" and key in _OF_REVISIONS)
    if value is None and not must:
        return None
    if key == "seconds" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if key == "seconds" or not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}")
    if key == "started_at":
        parse_time(value)
    if key in _LISTS and not _is_list_of_texts(json.loads(value)):
        raise ValueError(f"{key} is not a list of texts")
    is_object = key in _OBJECTS or (key == "detail" and kind == "revision")
    if is_object and not isinstance(json.loads(value), dict):
        raise ValueError(f"{key} is not an object")
    return value


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _unusable(name: str, reason: str) -> BackupError:
    return BackupError(
        f"{name} is not a usable record of a run: {reason}",
        next_step="`ci-migrate ledger reconcile --write` writes it anew from the ledger. A newer version of ci-migrate"
        " may have written it: then use that one here, too.",
    )
