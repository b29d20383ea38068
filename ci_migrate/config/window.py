"""The `window` of an environment: from words to days, minutes and dates."""

from __future__ import annotations

import re
from datetime import date, timezone, tzinfo
from typing import TYPE_CHECKING

from ci_migrate.config.environment import Window
from ci_migrate.config.problems import KeyPath, Problem, show_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci_migrate.config.promises import WindowSection

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_window(section: WindowSection) -> Window:
    """Return a window whose dates and zone were found right."""
    begins, ends = (_minutes(clock) for clock in section.hours.split("-"))
    return Window(
        days=frozenset(_DAYS.index(day) for day in section.days),
        begins=begins,
        ends=ends,
        zone=_find_zone(section.time_zone) or timezone.utc,
        zone_name=section.time_zone,
        freeze=tuple(_read_dates(text) for text in section.freeze),
    )


def find_window_problems(window: Mapping[str, object], path: KeyPath) -> Iterator[Problem]:
    """Yield what the form of the values does not show: zones and days that do not exist."""
    zone = window.get("time_zone")
    if isinstance(zone, str) and zone and _find_zone(zone) is None:
        yield Problem(
            path=(*path, "time_zone"),
            what="no such time zone on this machine",
            shown=show_value(path, zone),
            suggestion="a name such as `Europe/Berlin`; a machine without zones needs the package `tzdata`",
        )
    dates = window.get("freeze")
    for at, text in enumerate(dates if isinstance(dates, list) else ()):
        if not isinstance(text, str) or not re.fullmatch(r"[\d-]{10}(\.\.[\d-]{10})?", text):
            continue
        try:
            first, last = _read_dates(text)
        except ValueError:
            yield Problem(path=(*path, "freeze", at), what="no such day", shown=text)
            continue
        if last < first:
            yield Problem(path=(*path, "freeze", at), what="ends before it begins", shown=text)


def _find_zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo

    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _read_dates(text: str) -> tuple[date, date]:
    first, _, last = text.partition("..")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
