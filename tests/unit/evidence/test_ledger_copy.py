"""Copies of runs beside the backups: what is damaged is told, whatever is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.evidence.ledger_copy import read_copies, write_copy

RUN: dict[str, Any] = {
    "run_id": "0" * 36, "kind": "run", "environment": "dev", "command": "promote", "outcome": "promoted",
    "started_at": "2026-11-01T12:00:00+00:00", "finished_at": None, "seconds": 1.5, "from_rows": "[]",
    "to_rows": '["aaaa"]', "versions": "{}",
}  # fmt: skip
REVISION: dict[str, Any] = {
    **RUN, "kind": "revision", "outcome": "executed", "revision": "aaaa", "direction": "upgrade",
    "parents": "[]", "message": "add", "content_hash": "v1:00", "detail": '{"rehearsal": null}',
}  # fmt: skip
MUST = {
    "run_id", "kind", "environment", "command", "outcome", "started_at", "revision", "direction",
}  # fmt: skip


def read(folder: Path, *rows: dict[str, Any]) -> tuple[int, int]:
    """Write the rows as a file of dev, and return how many copies and problems are found."""
    store = LocalStore(folder)
    write_copy(store, [RUN, REVISION])
    (file,) = folder.glob("dev-2026*")
    content = json.loads(file.read_bytes())
    file.write_text(json.dumps({**content, "rows": rows}), "utf-8")
    found = read_copies(store, "dev")
    return len(found.runs), len(found.problems)


def test_what_a_ledger_holds_is_read_as_it_was(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    write_copy(store, [RUN, REVISION])
    (copy,) = read_copies(store, "dev").runs
    for row, written in zip(copy.rows, (RUN, REVISION), strict=True):
        assert {key: value for key, value in row.items() if value is not None} == {
            key: value for key, value in written.items() if value is not None
        }


@pytest.mark.parametrize("key", sorted(REVISION))
def test_a_key_that_is_gone_or_something_else_is_told(tmp_path: Path, key: str) -> None:
    without = {name: value for name, value in REVISION.items() if name != key}
    assert read(tmp_path, RUN, without) == ((0, 1) if key in MUST else (1, 0))
    assert read(tmp_path, RUN, {**REVISION, key: None}) == ((0, 1) if key in MUST else (1, 0))
    for value in (True, [], {}, ["aaaa"], "x" if key == "seconds" else 5):
        assert read(tmp_path, RUN, {**REVISION, key: value}) == (0, 1), value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("parents", "5"),
        ("parents", "[5]"),
        ("parents", "not JSON"),
        ("versions", "[]"),
        ("detail", "[]"),
        ("detail", "not JSON"),
        ("started_at", "yesterday"),
        ("run_id", "another"),
        ("kind", "else"),
    ],
)
def test_a_text_that_says_something_else_is_told(tmp_path: Path, key: str, value: str) -> None:
    assert read(tmp_path, RUN, {**REVISION, key: value}) == (0, 1)


@pytest.mark.parametrize("rows", [(), (5,), ([],), (REVISION,)])
def test_rows_that_are_none_are_told(tmp_path: Path, rows: tuple[Any, ...]) -> None:
    assert read(tmp_path, *rows) == (0, 1)


def test_a_damaged_copy_of_another_environment_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "dev-2-20261101T120000Z-00000000.run.json").write_text("{}", "utf-8")
    (tmp_path / "staging-20261101T120000Z-00000000.run.json").write_text("{}", "utf-8")
    assert read(tmp_path, RUN, REVISION) == (1, 0)
