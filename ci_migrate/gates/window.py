"""Gate `window`: it is a time at which this environment may be changed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ci_migrate.config.environment import Window
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "window"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SEARCHED_DAYS = 800


def check(inputs: GateInputs) -> GateResult:
    """Fail outside of the days and hours of the configuration, and on its freeze dates."""
    window, now = inputs.window, inputs.now
    if window is None or now is None:
        message = "no window is configured"
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message=message)
    if not inputs.plan.pending:
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message="nothing is pending")
    here = now.astimezone(window.zone)
    shown = f"{DAYS[here.weekday()]} {here:%Y-%m-%d %H:%M} in {window.zone_name}"
    if is_open(window, here):
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=f"open: it is {shown}")
    why = "that day is frozen" if _is_frozen(window, _day_of(window, here)) else _describe(window)
    again = next_opening(window, here)
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message=f"closed: it is {shown}, and {why}",
        next_step=f"It opens {DAYS[again.weekday()]} {again:%Y-%m-%d %H:%M} in {window.zone_name}: run this again"
        " then."
        if again
        else "It does not open again within two years: look at `window` in the configuration.",
    )


def is_open(window: Window, here: datetime) -> bool:
    """Return whether a time of the window's zone lies in it.

    Hours that end past midnight, and freezes with them, belong to the day on which they begin.
    """
    day, minute = _day_of(window, here), here.hour * 60 + here.minute
    if day.weekday() not in window.days or _is_frozen(window, day):
        return False
    if window.begins < window.ends:
        return window.begins <= minute < window.ends
    return minute >= window.begins or minute < window.ends


def next_opening(window: Window, here: datetime) -> datetime | None:
    """Return the first minute after a time at which the window opens; None within two years."""
    for ahead in range(_SEARCHED_DAYS):
        day = here.date() + timedelta(days=ahead)
        clock = timedelta(minutes=window.begins)
        at = datetime(day.year, day.month, day.day, tzinfo=window.zone) + clock
        if at > here and is_open(window, at):
            return at
    return None


def _day_of(window: Window, here: datetime) -> date:
    """Return the day to which a time belongs: the one before for the small hours of a window over midnight."""
    is_late = window.begins >= window.ends and here.hour * 60 + here.minute < window.ends
    return here.date() - timedelta(days=1) if is_late else here.date()


def _is_frozen(window: Window, day: date) -> bool:
    return any(first <= day <= last for first, last in window.freeze)


def _describe(window: Window) -> str:
    days = ", ".join(DAYS[number] for number in sorted(window.days))
    hours = f"{_clock(window.begins)} to {_clock(window.ends)}"
    return f"changes are for {days}, {hours}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
