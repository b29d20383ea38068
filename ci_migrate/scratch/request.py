"""What a scratch database is asked for with, and what one is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchRequest:
    """The database that a scratch database is to be like, and where it may be."""

    environment: str
    run_id: str
    like: Database
    """The environment's own database; asked, never changed."""
    url: str = field(repr=False)
    """Its URL as configured: the project gets the one of the scratch database in the same spelling."""
    scratch_url: str | None = field(repr=False)
    """A server where databases may be created; None for a private server."""
    root: Path
    """Where relative paths of URLs start."""
    env: Mapping[str, str]
    """Variables of the run: PATH, RUNNER_TEMP, TMPDIR, and what the database clients read."""
    now: Callable[[], datetime]
    """UTC."""
    warn: Callable[[str], None]
    """Hears in what the scratch database differs from the environment's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """An empty database that is gone when its context ends."""

    url: str = field(repr=False)
    """For the project: in the spelling of the environment's URL."""
    database: Database
    where: str
    """In words: `a private PostgreSQL 15.18`."""
    is_private: bool
    """Whether its server is nobody else's, and has the accounts of the environment's."""


def scratch_like(
    environment: Environment,
    database: Database,
    *,
    run_id: str,
    env: Mapping[str, str],
    now: Callable[[], datetime],
    warn: Callable[[str], None],
) -> ScratchRequest:
    """Return the request for a scratch database like an environment's own."""
    return ScratchRequest(
        environment=environment.name,
        run_id=run_id,
        like=database,
        url=environment.url,
        scratch_url=environment.scratch_url,
        root=environment.root,
        env=env,
        now=now,
        warn=warn,
    )
