"""What has been written to each table, as far as the server counts it."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.database.engine import Database

_COUNTERS = "SELECT schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Rows written to a table since the server's counters were last set to zero."""

    inserted: int
    updated: int
    deleted: int


def read_activity(database: Database) -> dict[tuple[str | None, str], Written]:
    """Return the counters of each table by schema and name; empty where the server keeps none.

    PostgreSQL only (`pg_stat_user_tables`, some seconds late). They start anew after a crash or a reset.
    """
    if database.dialect != "postgresql":
        return {}
    rows = database.run(lambda connection: connection.exec_driver_sql(_COUNTERS).fetchall())
    return {
        (str(row[0]), str(row[1])): Written(
            inserted=int(row[2]), updated=int(row[3]), deleted=int(row[4])
        )
        for row in rows
    }
