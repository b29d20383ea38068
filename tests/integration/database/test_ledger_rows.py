"""The ledger's rows are changed run by run, each revision by its own values."""

from __future__ import annotations

from pathlib import Path

from ci_migrate.database.engine import Database
from ci_migrate.database.ledger_table import create_ledger, insert_rows, select_rows, update_run

STARTED = {"environment": "dev", "command": "promote", "started_at": "2026-11-01T12:00:00.000Z"}


def begin_run(database: Database, run_id: str, revisions: tuple[str, ...]) -> None:
    run = {**STARTED, "run_id": run_id, "kind": "run", "outcome": "started", "revision": None}
    rows = [
        {**run, "kind": "revision", "outcome": "planned", "revision": revision}
        for revision in revisions
    ]
    insert_rows(database, None, [run, *rows])


def test_a_run_is_changed_with_its_revisions_and_no_other(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url, root=tmp_path)
    create_ledger(database, None)
    begin_run(database, "first", ("a", "b", "c"))
    begin_run(database, "second", ("a", "b"))
    update_run(
        database,
        None,
        "first",
        {"outcome": "partial", "seconds": 2.5},
        {
            "a": {"outcome": "executed", "finished_at": "noon", "seconds": 1.5},
            "b": {"outcome": "not-executed", "finished_at": "noon"},
        },
    )
    found = [
        (row["run_id"], row["revision"], row["outcome"], row["finished_at"], row["seconds"])
        for row in select_rows(database, None, {"environment": "dev"})
    ]
    assert found == [
        ("first", None, "partial", None, 2.5),
        ("first", "a", "executed", "noon", 1.5),
        ("first", "b", "not-executed", "noon", None),
        ("first", "c", "planned", None, None),
        ("second", None, "started", None, None),
        ("second", "a", "planned", None, None),
        ("second", "b", "planned", None, None),
    ]
