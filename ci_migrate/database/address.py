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
    def place(self) -> tuple[str, ...]:
        """What two URLs have in common that lead to the same tables, whoever logs in and by which driver."""
        port = self.port or {"postgresql": 5432, "mysql": 3306}.get(self.dialect, 0)
        schema = self.options.get(
            "options", ""
        )  # of a server that is asked for another search_path
        return (self.dialect, self.host or self.socket, str(port), self.database, schema)

    @property
    def backed_up(self) -> tuple[str, str, str]:
        """Dialect, database and host as the manifest of a backup has them."""
        return (self.dialect, self.database, self.host or self.socket)

    @property
    def hidden(self) -> str:
        """The password, for masks; empty when it is also a name, which messages have to show."""
        names = COMMON_NAMES | {self.user, self.host, self.database}
        return "" if self.password in names else self.password
