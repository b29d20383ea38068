"""What copies of a ledger prove, also after a rollback and a restore."""

from __future__ import annotations

import json
from typing import Any

from ci_migrate.evidence.ledger_copy import RunCopies, RunCopy
from ci_migrate.evidence.store_record import read_copied


def run(*rows: dict[str, Any], outcome: str = "promoted", to: tuple[str, ...] = ()) -> RunCopy:
    first = {
        "kind": "run",
        "outcome": outcome,
        "to_rows": json.dumps(to),
        "started_at": "",
        "run_id": "1",
    }
    return RunCopy(rows=(first, *rows))


def row(
    revision: str, parent: str = "", *, direction: str = "upgrade", **more: Any
) -> dict[str, Any]:
    return {
        "kind": "revision", "outcome": "executed", "revision": revision, "direction": direction,
        "parents": json.dumps([parent] if parent else []), "content_hash": f"v1:{revision}",
        "finished_at": "2026-11-01T12:00:00+00:00", "detail": None, **more,
    }  # fmt: skip


def executed(*runs: RunCopy) -> set[str] | None:
    found = read_copied(RunCopies(runs=runs, problems=()), "dev")
    return None if found is None else set(found)


LINE = run(row("aaaa"), row("bbbb", "aaaa"), row("cccc", "bbbb"))


def test_no_copy_is_no_answer() -> None:
    assert executed() is None
    assert executed(run()) == set()


def test_what_was_executed_and_not_taken_back_counts() -> None:
    assert executed(LINE) == {"aaaa", "bbbb", "cccc"}
    assert executed(run(row("aaaa", outcome="not-executed"))) == set()
    assert executed(LINE, run(row("cccc", direction="downgrade"))) == {"aaaa", "bbbb"}


def test_a_restore_leaves_what_its_version_rows_stand_for() -> None:
    restored = run(outcome="restored", to=("bbbb",))
    assert executed(LINE, restored) == {"aaaa", "bbbb"}
    assert executed(LINE, restored, run(row("cccc", "bbbb"))) == {"aaaa", "bbbb", "cccc"}
    assert executed(LINE, run(outcome="restored")) == set()


def test_a_rehearsal_is_on_record() -> None:
    detail = json.dumps({"rehearsal": {"round_trip": True}})
    found = read_copied(RunCopies(runs=(run(row("aaaa", detail=detail)),), problems=()), "dev")
    assert found is not None
    assert (found["aaaa"].rehearsal, found["aaaa"].content_hash) == ("round_trip", "v1:aaaa")
