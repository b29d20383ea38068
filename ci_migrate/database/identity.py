"""Proof that two connections are in the same database, whatever their URLs say.

The parent publishes a challenge on its own connection; the worker answers it on the connection that the
project's env.py opened.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database, Session

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Challenge = Mapping[str, str]


def publish_challenge(database: Database, session: Session) -> Challenge:
    """Return a challenge that only a connection to this very database can answer.

    On a server it is a random lock held by `session` until that closes; on SQLite the file's path.
    """
    if database.dialect == "sqlite":
        return {"dialect": "sqlite", "path": os.path.realpath(database.address.database)}
    number = secrets.randbits(62)
    if database.dialect == "postgresql":
        _scalar(session, f"SELECT pg_advisory_lock({number})")
        return {"dialect": "postgresql", "key": str(number)}
    _scalar(session, f"SELECT GET_LOCK('ci-migrate-identity-{number}', 0)")
    name = _scalar(session, "SELECT DATABASE()")
    return {"dialect": "mysql", "key": f"ci-migrate-identity-{number}", "database": str(name)}


def is_same_database(one: Database, other: Database) -> bool:
    """Return whether two URLs lead to the same database."""
    with one.session() as session:
        challenge = publish_challenge(one, session)
        return other.run(lambda connection: answer_challenge(connection, challenge))


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


def _scalar(session: Session, statement: str) -> object:
    return session.run(lambda connection: connection.exec_driver_sql(statement).scalar())
