"""Stops of a running statement: by request, and by itself when its client is gone."""

from __future__ import annotations

from ci_migrate.database.engine import Database, Session
from ci_migrate.errors import CiMigrateError


def cancel_statement(database: Database, server_id: int, *, session: Session | None = None) -> bool:
    """Ask the server to cancel what session `server_id` is running; tell whether it took the request.

    Asked on `session` where one is open already: a server may be out of connections. Else, or when that one is
    broken, on a connection of its own.
    """
    statement = {
        "postgresql": f"SELECT pg_cancel_backend({int(server_id)})",
        "mysql": f"KILL QUERY {int(server_id)}",
    }.get(database.dialect)
    if statement is None:
        return False
    for run in (*([session.run] if session else []), database.run):
        try:
            run(lambda connection: connection.exec_driver_sql(statement).close())
        except CiMigrateError:
            # The session ended in the meantime, or the server is gone: nothing is left to cancel.
            continue
        return True
    return False


def can_watch_client(database: Database) -> bool:
    """Return whether the server takes `client_connection_check_interval`.

    PostgreSQL has it since version 14, on systems whose sockets tell; asking with a connection of our own
    keeps a refusal out of the migration's transaction.
    """
    if database.dialect != "postgresql":
        return False
    statement = "SET client_connection_check_interval = 1000"
    try:
        database.run(lambda connection: connection.exec_driver_sql(statement).close())
    except CiMigrateError:
        return False
    return True
