"""Where a database is, as plain values for the tools that do not speak SQLAlchemy URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """The parts of a database URL; what is empty is left to the client's defaults."""

    dialect: str
    """`postgresql`, `mysql` (also MariaDB) or `sqlite`."""
    database: str
    """Name of the database; for SQLite the absolute path of its file."""
    host: str = ""
    """Host name, or the directory of a Unix socket (PostgreSQL)."""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    socket: str = ""
    """Path of the Unix socket (MariaDB)."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Query part of the URL."""
