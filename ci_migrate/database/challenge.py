"""The worker's side of the proof that two connections are in the same database.

It imports nothing that a project may have a module of its own for, such as `secrets` or `queue`: what is loaded before
env.py would hide that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Challenge = Mapping[str, str]


def answer_challenge(connection: Connection, challenge: Challenge) -> bool:
    """Return whether this connection is in the database that the challenge was published in."""
    dialect = "mysql" if connection.dialect.name == "mariadb" else connection.dialect.name
    if dialect != challenge["dialect"]:
        return False
    if dialect == "sqlite":
        rows = connection.exec_driver_sql("PRAGMA database_list").fetchall()
        main = next((str(row[2]) for row in rows if row[1] == "main"), "")
        return os.path.realpath(main) == challenge["path"] if main else False
    if dialect == "postgresql":
        statement = (
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
            f" AND ((l.classid::bigint << 32) | l.objid::bigint) = {int(challenge['key'])}"
        )
        return bool(connection.exec_driver_sql(statement).scalar())
    held = connection.exec_driver_sql(f"SELECT IS_USED_LOCK('{challenge['key']}')").scalar()
    name = connection.exec_driver_sql("SELECT DATABASE()").scalar()
    return held is not None and str(name) == challenge["database"]
