"""The mark of a restore that is under way in a database without transactions around a schema: MariaDB and MySQL."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.database.engine import Database

MARK_TABLE = "ci_migrate_restoring"
"""Made before the first table is dropped, and dropped when all is loaded; the archive does not know it."""

_EXISTS = (
    "SELECT COUNT(*) FROM information_schema.tables"
    f" WHERE table_schema = DATABASE() AND table_name = '{MARK_TABLE}'"
)
_READ = f"SELECT backup, begun FROM {MARK_TABLE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfRestored:
    """A restore that ended in its middle; the database holds a part of the archive."""

    backup: str
    """Name of the backup; empty when not even that was written."""
    begun: str


def find_half_restored(database: Database) -> HalfRestored | None:
    """Return what a restore has left that did not come to its end; None elsewhere than on MariaDB and MySQL."""
    if database.dialect != "mysql":
        return None
    if not database.run(lambda connection: connection.exec_driver_sql(_EXISTS).scalar()):
        return None
    rows = database.run(lambda connection: connection.exec_driver_sql(_READ).fetchall())
    backup, begun = (str(rows[0][0]), str(rows[0][1])) if rows else ("", "")
    return HalfRestored(backup=backup, begun=begun)


def begin_script(backup: str, begun: str) -> str:
    """Return the SQL that sets the mark."""
    values = ", ".join(
        f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)" for text in (backup, begun)
    )
    return (
        f"CREATE TABLE IF NOT EXISTS {MARK_TABLE} (backup varchar(255), begun varchar(40))"
        " DEFAULT CHARSET=utf8mb4;\n"
        f"DELETE FROM {MARK_TABLE};\nINSERT INTO {MARK_TABLE} VALUES ({values});\n"
    )


def end_script() -> str:
    """Return the SQL that takes the mark away."""
    return f"\nDROP TABLE {MARK_TABLE};\n"
