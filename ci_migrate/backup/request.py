"""What the backup stage needs to know, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ci_migrate.database.address import DatabaseAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRequest:
    """One database that is to be backed up, and where the archive goes."""

    environment: str
    run_id: str
    address: DatabaseAddress
    server_version: str
    """As the server says it: `15.18`, `10.11.19-MariaDB`, `3.45.1`."""
    server_major: int
    tables: tuple[tuple[str | None, str], ...]
    """Schema and name of every table that the archive must name; tables of extensions left out."""
    heads: tuple[str, ...]
    """Version rows at the time of the backup."""
    directory: Path
    env: Mapping[str, str]
    """Environment of the run: PATH, HOME, RUNNER_TEMP, and what the database clients read."""
    now: datetime
    """Start of the backup, UTC."""
