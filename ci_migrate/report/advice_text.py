"""The rollback advisor's answer as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ci_migrate.redact import one_line
from ci_migrate.report.prose import short_list
from ci_migrate.report.units import format_time
from ci_migrate.ways_back import Advice, Way

_TITLES = {
    "downgrade": "take it back by its downgrade()",
    "restore": "bring back the backup that was taken before it",
    "forward-fix": "leave it, and mend it by a new revision",
}


def advice_lines(advice: Advice) -> Iterator[str]:
    """Yield the ways back, each with what it costs and its command."""
    yield f"environment  {advice.environment}"
    yield f"ran last     {advice.revision}  {one_line(advice.message)}  ({format_time(advice.applied_at)})"
    if advice.file:
        yield f"             {advice.file}"
    after = f", after a rollback {short_list(advice.target)}" if advice.ways[0].possible else ""
    yield f"version      {short_list(advice.current)}{after}"
    for line in way_lines(advice):
        yield from ("", line) if line[:1].isdigit() else (line,)


def way_lines(advice: Advice) -> Iterator[str]:
    """Yield the ways back one after another, each with its number, what it costs and its command."""
    for number, way in enumerate(advice.ways, 1):
        yield f"{number}. {_TITLES[way.name]}{'' if way.possible else ': NOT POSSIBLE'}"
        yield from _way_lines(way)


def build_advice_result(advice: Advice) -> dict[str, Any]:
    """Return the advice as plain values, in the order in which they are documented."""
    return asdict(advice)


def _way_lines(way: Way) -> Iterator[str]:
    yield f"   price    {one_line(way.price, 1_000)}"
    for number, loss in enumerate(way.losses):
        yield f"   {'' if number else 'destroys':<9}{one_line(str(loss))}"
    if way.command:
        yield f"   command  {way.command}"
