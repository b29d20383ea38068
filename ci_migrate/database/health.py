"""Signs that this is a bad moment for a migration."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database
from ci_migrate.database.health_questions import INVALID_INDEXES, MYSQL, POSTGRESQL
from ci_migrate.errors import DatabaseFailedError
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

MOST_OF_A_KIND = 5
LONGEST_NAME = 300
"""Of a quoted index with its schema, which must not be cut: it stands in a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From where on something is a bad sign."""

    long_seconds: float = 300
    """A transaction that is open for longer holds back locks and vacuum."""
    lag_seconds: float = 30
    lag_bytes: int = 256 * 1024 * 1024
    """A replica that stands still reports no time."""
    free_connections: int = 5


def find_ailments(database: Database, limits: Limits | None = None) -> tuple[str, ...]:
    """Return what speaks against a migration now, a sentence each; what may not be asked is left out."""
    if database.dialect == "sqlite":
        return tuple(_sqlite(Path(database.address.database)))
    questions = POSTGRESQL if database.dialect == "postgresql" else MYSQL
    values = asdict(limits or Limits())
    found: list[str] = []
    with database.session() as session:
        for sentence, statement in questions.items():
            try:
                rows = session.run(partial(_rows, statement.format(**values)))
            except DatabaseFailedError:
                # A role without the right to see replication or processes still sees the rest.
                continue
            found += [sentence.format(*row) for row in rows[:MOST_OF_A_KIND]]
            if len(rows) > MOST_OF_A_KIND:
                found.append(f"… and {len(rows) - MOST_OF_A_KIND} more like this")
    return tuple(found)


def find_invalid_indexes(database: Database) -> tuple[str, ...]:
    """Return the names of indexes that a failed concurrent build has left, quoted where they need it."""
    if database.dialect != "postgresql":
        return ()
    rows = database.run(partial(_rows, INVALID_INDEXES))
    return tuple(row[0] for row in rows)


def _sqlite(path: Path) -> Iterator[str]:
    size = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(path.parent).free
    if free < 2 * size:
        yield f"{free // 10**6} MB are free beside a database of {size // 10**6} MB"


def _rows(statement: str, connection: Connection) -> list[tuple[str, ...]]:
    rows = connection.exec_driver_sql(statement).fetchall()
    return [tuple(one_line(str(part), LONGEST_NAME) for part in row) for row in rows]
