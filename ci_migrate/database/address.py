"""Where a database is, as plain values for the tools that do not speak SQLAlchemy URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ci_migrate.redact import COMMON_NAMES


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

    @property
    def hidden(self) -> str:
        """The password, for masks; empty when it is also a name, which messages have to show."""
        names = COMMON_NAMES | {self.user, self.host, self.database}
        return "" if self.password in names else self.password
