"""How the tests ask for a scratch database."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from ci_migrate.database.engine import Database
from ci_migrate.scratch.request import ScratchRequest


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


def ask(
    url: str,
    place: Path,
    *,
    scratch_url: str | None = None,
    now: Callable[[], datetime] = utc_now,
    warnings: list[str] | None = None,
) -> ScratchRequest:
    """Return the request for a database like the one of `url`, whose private folder is in `place`."""
    return ScratchRequest(
        environment="Dev-1",
        run_id="0a1b2c3d-4e5f",
        like=Database(url, root=place),
        url=url,
        scratch_url=scratch_url,
        root=place,
        env={**os.environ, "TMPDIR": str(place)},
        now=now,
        warn=(warnings if warnings is not None else []).append,
    )
