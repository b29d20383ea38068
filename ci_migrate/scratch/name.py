"""Names of scratch databases: they say whose they are and when they were made, so that they can be swept."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta, timezone

PREFIX = "ci_migrate_scratch_"
SPARED = timedelta(minutes=10)
"""Younger ones are never swept, also when they look forgotten."""
_NAME = re.compile(PREFIX + r"([a-z0-9]{1,12})_([a-z0-9]{1,8})_(\d{14})[0-9a-f]{4}")


def scratch_name(environment: str, run_id: str, now: datetime) -> str:
    """Return a new name: prefix, environment, run, time and a random end; at most 63 characters."""
    place = re.sub(r"[^a-z0-9]+", "", environment.lower())[:12] or "x"
    run = re.sub(r"[^a-z0-9]+", "", run_id.lower())[:8] or "x"
    time = now.astimezone(timezone.utc)
    return f"{PREFIX}{place}_{run}_{time:%Y%m%d%H%M%S}{secrets.token_hex(2)}"


def is_forgotten(name: str, now: datetime) -> bool:
    """Return whether a name is one of ours, and old enough to be swept when no run holds it."""
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    try:
        made = datetime.strptime(match[3], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return False
    return now - made > SPARED
