"""Stop the statement that another session is running."""

from __future__ import annotations

from ci_migrate.database.engine import Database


def cancel_statement(database: Database, server_id: int) -> bool:
    """Ask the server to cancel what session `server_id` is running; tell whether it took the request."""
    from sqlalchemy.exc import DBAPIError

    statement = {
        "postgresql": f"SELECT pg_cancel_backend({int(server_id)})",
        "mysql": f"KILL QUERY {int(server_id)}",
    }.get(database.dialect)
    if statement is None:
        return False
    try:
        database.run(lambda connection: connection.exec_driver_sql(statement).close())
    except DBAPIError:
        # The session ended in the meantime: there is nothing left to cancel.
        return False
    return True
