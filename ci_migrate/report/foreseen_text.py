"""Rehearsals and forecasts in words: times, statements and locks, beside what the revisions really took."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ci_migrate.foreseen import Forecast, Rehearsal, RehearsedRevision
from ci_migrate.models import Promotion
from ci_migrate.redact import one_line
from ci_migrate.report.units import format_seconds
from ci_migrate.words import counted

MOST_LOCKS = 5
MOST_REHEARSED = 30
"""Revisions of a rehearsal that are told one by one; the JSON result has all."""


def describe_rehearsal(rehearsal: Rehearsal) -> str:
    """Return a rehearsal in one line: how it ended, where, and how long it took."""
    how = f"{rehearsal.outcome} in {format_seconds(rehearsal.seconds)} on {rehearsal.where}"
    return f"{how}, there and back and again" if rehearsal.round_trip else how


def describe_forecast(forecast: Forecast, promotion: Promotion) -> str:
    """Return what was to be expected and, once it has happened, what it really took; then the locks."""
    text = f"{format_seconds(forecast.seconds)} (by {one_line(forecast.source, 80)})"
    unknown = len(promotion.pending) - len(forecast.revisions)
    if unknown > 0:
        text += f", {counted(unknown, 'revision')} unknown"
    real = [item.seconds for item in promotion.applied if item.seconds is not None]
    if real:
        text += f"; it took {format_seconds(sum(real))}"
    if any(item.locks is None for item in forecast.revisions):
        return f"{text}; locks unknown"
    return f"{text}; locks: {_describe_locks(forecast.revisions)}"


def rehearsed_lines(promotion: Promotion) -> Iterator[str]:
    """Yield what each revision did in the rehearsal, a line each, beside what it really took; nothing without one."""
    revisions = promotion.rehearsal.revisions if promotion.rehearsal else ()
    real = {applied.revision: applied.seconds for applied in promotion.applied}
    for item in revisions[:MOST_REHEARSED]:
        yield _describe_rehearsed(item, real)
    if len(revisions) > MOST_REHEARSED:
        yield f"… and {len(revisions) - MOST_REHEARSED} more"


def _describe_rehearsed(item: RehearsedRevision, real: Mapping[str, float | None]) -> str:
    took = "did not end" if item.seconds is None else format_seconds(item.seconds)
    took_here = real.get(item.revision)
    if took_here is not None:
        took += f", really {format_seconds(took_here)}"
    locks = "unknown" if item.locks is None else _describe_locks((item,))
    return f"{one_line(item.revision, 40)}: {counted(item.statements, 'statement')}, {took}; locks: {locks}"


def _describe_locks(revisions: Iterable[RehearsedRevision]) -> str:
    locks = [lock for item in revisions for lock in item.locks or ()]
    shown = [
        f"{describe_mode(lock.mode)} on {one_line(lock.table, 80)} for {format_seconds(lock.seconds)}"
        for lock in locks[:MOST_LOCKS]
    ]
    more = f" and {len(locks) - MOST_LOCKS} more" if len(locks) > MOST_LOCKS else ""
    return f"{', '.join(shown) or 'none on tables that are there'}{more}"


def describe_mode(mode: str) -> str:
    """Return a lock mode as the documentation of its server spells it: `ACCESS EXCLUSIVE`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", mode.removesuffix("Lock")).replace("_", " ")
    return one_line(words.upper(), 40)
