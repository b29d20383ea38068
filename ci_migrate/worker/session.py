"""Settings of the session in which the revisions run, for one transaction at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

CHECK_MILLISECONDS = 1_000


def watch_client(engine: Any) -> None:
    """Make PostgreSQL look every second whether this process is still there.

    Without it a killed run keeps its locks until the statement that was running ends. Set for each
    transaction: a session's setting would outlive it behind a pooler.
    """
    if not event.contains(engine, "begin", _set_check):
        event.listen(engine, "begin", _set_check)


def _set_check(connection: Any) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(
            f"SET LOCAL client_connection_check_interval = {CHECK_MILLISECONDS}"
        )
