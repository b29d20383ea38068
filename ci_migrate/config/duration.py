"""Lengths of time as people write them."""

from __future__ import annotations

import re

DURATION_PATTERN = (
    r"^(?=[0-9])(?:[0-9]{1,9}h)?(?:[0-9]{1,9}m)?(?:[0-9]{1,9}s)?(?:[0-9]{1,9}ms)?$(?!\n)"
)
"""Hours, minutes, seconds, milliseconds, each at most once; for Python and for JSON Schema."""

_PART = re.compile(r"([0-9]+)(ms|[hms])")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(value: int | str) -> float:
    """Return the seconds of `30` (seconds), `500ms`, `30s`, `10m`, `1h` or `2h30m`.

    Raises ValueError for everything else.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
        return float(value)
    if not isinstance(value, str) or not re.search(DURATION_PATTERN, value):
        raise ValueError("not a duration; write seconds as a number, or for example `30s`, `2h30m`")
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(value))
