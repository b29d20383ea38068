"""Times, sizes and durations as people read them."""

from __future__ import annotations

import re

from ci_migrate.redact import one_line


def format_time(time: str) -> str:
    """Return a UTC time of the ledger (ISO 8601) for people, to the second."""
    found = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)", time)
    return f"{found[1]} {found[2]} UTC" if found else one_line(time, 40)


def format_bytes(count: int) -> str:
    """Return a size with its unit, 1 kB = 1,000 bytes."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def format_seconds(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
