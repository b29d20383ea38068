"""Status, history and plan as people read them."""

from __future__ import annotations

from typing import Any

from ci_migrate.environment_status import EnvironmentStatus
from ci_migrate.models import Outcome
from ci_migrate.report.plan_text import plan_lines
from ci_migrate.report.status_text import history_lines, run_line, status_lines
from tests.unit.report.samples import make_promotion

RUN: dict[str, Any] = {
    "started_at": "2026-11-22T03:36:12.298Z",
    "outcome": "promoted",
    "seconds": 0.74,
    "from_rows": "[]",
    "to_rows": '["aaaa1111"]',
    "commit_sha": "1234567890abcdef1234567890abcdef12345678",
    "actor": "ada",
    "run_url": None,
    "failure": None,
    "revisions": [
        {
            "outcome": "executed",
            "direction": "upgrade",
            "revision": "aaaa1111",
            "message": "create",
            "seconds": 0.01,
        }
    ],
}


def test_a_run_is_one_line() -> None:
    assert run_line(RUN) == (
        "2026-11-22 03:36:12 UTC  promoted in 740 ms, base → aaaa1111, commit 1234567890ab, by ada"
    )


def test_a_run_that_moved_nothing_says_so() -> None:
    failed = {**RUN, "outcome": "failed", "from_rows": '["aaaa1111"]', "actor": None}
    assert "failed in 740 ms, still at aaaa1111, commit" in run_line(failed)


def test_a_run_that_goes_on_has_no_end() -> None:
    started = {**RUN, "outcome": "started", "to_rows": None, "seconds": None, "commit_sha": None}
    assert run_line(started) == "2026-11-22 03:36:12 UTC  started, from base, by ada"


def test_history_shows_cause_and_revisions() -> None:
    lines = list(history_lines([{**RUN, "failure": '{"message": "no\\nsuch table"}'}]))
    assert lines[1:] == ["    no such table", "    executed     aaaa1111  create (10 ms)"]


def test_status_shows_place_pending_and_last_run() -> None:
    lines = list(
        status_lines(
            EnvironmentStatus(
                name="dev", current=("aaaa1111",), pending=("bbbb2222",), last_run=RUN
            )
        )
    )
    assert lines[0] == "dev: at aaaa1111, 1 pending"
    assert lines[1].startswith("    last run: 2026-11-22 03:36:12 UTC  promoted")


def test_a_plan_leaves_the_words_of_a_failed_gate_to_the_account_below() -> None:
    lines = list(plan_lines(make_promotion(Outcome.BLOCKED)))
    assert lines[3] == "pending      2 revisions"
    assert "             aaaa1111  create a table" in lines
    assert "                       NOT ATOMIC: MariaDB commits DDL" in lines
    assert lines[-2:] == [
        "gates        heads        FAILED",
        "             history      passed   2 revisions",
    ]
