"""The gates `window` and `approval`, and passing over a gate with a reason."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ci_migrate.config.environment import Window
from ci_migrate.config.promises import WindowSection
from ci_migrate.config.window import read_window
from ci_migrate.gates import approval, window
from ci_migrate.gates.check import OVERRIDABLE, check_gates
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult, Plan
from tests.unit.gates.test_gates import PENDING, make_inputs

PASSED, FAILED, SKIPPED = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.SKIPPED
OFFICE = {"days": ("mon", "tue", "wed", "thu"), "hours": "09:00-17:00"}
NIGHT = {"days": ("fri",), "hours": "22:00-04:00"}


def make_window(**keys: Any) -> Window:
    return read_window(WindowSection(**{"time_zone": "Europe/Berlin", **keys}))


def pending(**more: Any) -> GateInputs:
    return make_inputs(plan=Plan(current=(), target=("bbbb",), pending=PENDING), **more)


def ask(keys: dict[str, Any], now: str) -> GateResult:
    """Ask at a time of UTC."""
    at = datetime.fromisoformat(now).replace(tzinfo=timezone.utc)
    return window.check(pending(window=make_window(**keys), now=at))


@pytest.mark.parametrize(
    ("keys", "now", "outcome"),
    [
        (OFFICE, "2026-11-26T08:00", PASSED),  # Thursday 09:00 in Berlin
        (OFFICE, "2026-11-26T07:59", FAILED),
        (OFFICE, "2026-11-26T16:00", FAILED),  # 17:00
        (OFFICE, "2026-07-02T07:00", PASSED),  # summer: two hours ahead
        (OFFICE, "2026-11-27T10:00", FAILED),  # Friday
        (NIGHT, "2026-11-27T21:00", PASSED),  # Friday 22:00
        (NIGHT, "2026-11-28T02:59", PASSED),  # Saturday 03:59 is Friday's night
        (NIGHT, "2026-11-28T03:00", FAILED),
        (NIGHT, "2026-11-27T02:00", FAILED),  # Friday 03:00 is Thursday's night
        ({"freeze": ("2026-12-24..2026-12-26",)}, "2026-12-26T22:59", FAILED),
        ({"freeze": ("2026-12-24..2026-12-26",)}, "2026-12-26T23:00", PASSED),  # the 27th in Berlin
        ({"freeze": ("2026-12-24",)}, "2026-12-23T22:59", PASSED),
    ],
)
def test_the_window_is_that_of_its_time_zone(keys: Any, now: str, outcome: GateOutcome) -> None:
    assert ask(keys, now).outcome is outcome


def test_a_closed_window_says_when_it_opens() -> None:
    found = ask({**OFFICE, "freeze": ("2026-11-30",)}, "2026-11-27T10:00")
    assert found.message == (
        "closed: it is fri 2026-11-27 11:00 in Europe/Berlin, and changes are for mon, tue, wed, thu,"
        " 09:00 to 17:00"
    )
    # Monday is frozen.
    assert "It opens tue 2026-12-01 09:00 in Europe/Berlin" in (found.next_step or "")
    frozen = ask({"freeze": ("2026-01-01..2036-01-01",)}, "2026-11-27T10:00")
    assert "that day is frozen" in frozen.message
    assert "does not open again" in (frozen.next_step or "")


def test_without_a_window_or_something_pending_the_time_is_not_looked_at() -> None:
    now = datetime(2026, 11, 27, tzinfo=timezone.utc)
    assert window.check(pending(now=now)).outcome is SKIPPED
    assert window.check(make_inputs(now=now, window=make_window(**OFFICE))).outcome is SKIPPED


def test_an_approval_names_who_gave_it_and_where_it_is_asked_for() -> None:
    assert approval.check(pending()).outcome is SKIPPED
    assert approval.check(make_inputs(approval="production")).outcome is SKIPPED
    found = approval.check(pending(approval="production", approved_by=("ada",)))
    assert (found.outcome, found.message) == (PASSED, "approved by ada")
    for more, words in (({}, "nobody approved"), ({"approval_problem": "no run"}, "no run")):
        found = approval.check(pending(approval="production", **more))
        assert found.outcome is FAILED
        assert words in found.message
        assert "environment: production" in (found.next_step or "")


def test_only_a_gate_that_fails_and_may_be_passed_over_is_overridden() -> None:
    reasons = dict.fromkeys(("order", "window", "heads", "approval"), "the outage of today")
    inputs = pending(overrides=reasons, approval="production", connection_problem="read-only")
    found = {gate.name: gate for gate in check_gates(inputs)}
    assert found["approval"].outcome is GateOutcome.OVERRIDDEN
    assert found["approval"].reason == "the outage of today"
    assert found["window"].outcome is SKIPPED
    assert found["connection"].outcome is FAILED
    assert found["heads"].outcome is PASSED
    assert {"connection", "history", "unfinished", "heads"}.isdisjoint(OVERRIDABLE)
