"""MariaDB's system-versioned tables: whether a dump can hold the rows that they had before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

DUMPS_HISTORY = (10, 11)
"""The first MariaDB that takes the history of a row from a dump."""
_VERSIONED = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type = 'SYSTEM VERSIONED' ORDER BY table_name"""
# Transaction-precise history is by transaction number, which means nothing in another database.
_BY_TRANSACTION = """
    SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND generation_expression = 'ROW START' AND data_type = 'bigint'"""


def find_lost_history(database: Database) -> tuple[str, ...]:
    """Return the system-versioned tables whose history no dump of this server can hold.

    One whose history is by transaction number keeps the dump program from dumping that of any.
    """
    return database.run(_find) if database.dialect == "mysql" else ()


def dumps_history(server_version: str) -> bool:
    """Return whether a server of this version, as it says it, takes history from a dump."""
    match = re.match(r"(\d+)\.(\d+)", server_version)
    is_mariadb = "mariadb" in server_version.lower()
    return is_mariadb and match is not None and (int(match[1]), int(match[2])) >= DUMPS_HISTORY


def _find(connection: Connection) -> tuple[str, ...]:
    versioned = tuple(str(row[0]) for row in connection.exec_driver_sql(_VERSIONED).fetchall())
    if not versioned:
        return ()
    version = str(connection.exec_driver_sql("SELECT VERSION()").scalar())
    is_by_transaction = bool(connection.exec_driver_sql(_BY_TRANSACTION).scalar())
    return versioned if is_by_transaction or not dumps_history(version) else ()
