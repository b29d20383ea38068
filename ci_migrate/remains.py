"""What revisions that are not atomic leave behind: which statements count, and how they are kept as text."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable

from ci_migrate.models import Remains
from ci_migrate.redact import one_line

LONGEST_STATEMENT = 300
MOST_STATEMENTS = 50
MAYBE = "-- may or may not have been carried out"
"""Stands behind a statement that was begun."""
_READS = re.compile(
    r"\s*(?:(?:SELECT|SHOW|SET|EXPLAIN|DESCRIBE)\b"
    r"|PRAGMA\s+(?:busy_timeout\b|(?:\w+\.)?(?:\w+\s*;?\s*$|\w+_(?:x?info|list|check)\s*\()))",
    re.IGNORECASE,
)
_BUILDS = re.compile(r"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b", re.IGNORECASE)


def is_reading(statement: str) -> bool:
    """Return whether a statement changes nothing."""
    return _READS.match(statement) is not None


def is_concurrent_build(statement: str) -> bool:
    """Return whether a statement builds an index of PostgreSQL outside of a transaction."""
    return _BUILDS.match(statement) is not None


def find_remains(revision: str, executed: Iterable[str], begun: str | None) -> Remains:
    """Return what a revision has done, without the statements that only read."""
    writing = tuple(statement for statement in executed if not is_reading(statement))
    return Remains(revision=revision, executed=writing, begun=begun)


def encode_remains(remains: Iterable[Remains], clean: Callable[[str], str]) -> str:
    """Return remains as JSON text, statements shortened after `clean` has taken the secrets out."""
    return json.dumps(
        {
            item.revision: {
                "executed": _shorten(item.executed, clean),
                "begun": one_line(clean(item.begun), LONGEST_STATEMENT) if item.begun else None,
            }
            for item in remains
        }
    )


def decode_remains(text: str | None) -> tuple[Remains, ...]:
    """Return what `encode_remains` wrote."""
    return tuple(
        Remains(revision=revision, executed=tuple(item["executed"]), begun=item["begun"])
        for revision, item in json.loads(text or "{}").items()
    )


def carry_remains(text: str, run_id: str) -> str:
    """Return what `encode_remains` wrote for a later run, with the run that left it."""
    found = json.loads(text)
    return json.dumps({name: {"run": run_id, **item} for name, item in found.items()})


def origin_of_remains(text: str) -> str | None:
    """Return the run that left what a later one carries; None where it is the run's own."""
    return next((item.get("run") for item in json.loads(text).values()), None)


def only_carried(text: str | None) -> str | None:
    """Return what a run carries of earlier ones, without what it left itself; None when that is nothing."""
    carried = {name: item for name, item in json.loads(text or "{}").items() if "run" in item}
    return json.dumps(carried) if carried else None


def describe_remains(remains: Remains) -> str:
    """Return what ran of a revision in one sentence."""
    done = "; ".join(remains.executed) or "nothing"
    text = f"of {remains.revision} there ran: {done}"
    if remains.begun:
        text += f"; then began, and may or may not have been carried out: {remains.begun}"
    return text


def _shorten(statements: tuple[str, ...], clean: Callable[[str], str]) -> list[str]:
    lines = [one_line(clean(statement), LONGEST_STATEMENT) for statement in statements]
    counted = [(line, len(list(same))) for line, same in itertools.groupby(lines)]
    told = [line if count == 1 else f"{line} ({count} times)" for line, count in counted]
    left_out = len(told) - MOST_STATEMENTS
    return [f"({left_out} statements before these)", *told[left_out:]] if left_out > 0 else told
