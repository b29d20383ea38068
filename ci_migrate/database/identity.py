"""Proof that two connections are in the same database, whatever their URLs say.

The parent publishes a challenge on its own connection; the worker answers it (`challenge`) on the connection that
the project's env.py opened.
"""

from __future__ import annotations

import os
import secrets

from ci_migrate.database.challenge import Challenge, answer_challenge
from ci_migrate.database.engine import Database, Session


def publish_challenge(database: Database, session: Session) -> Challenge:
    """Return a challenge that only a connection to this very database can answer.

    On a server it is a random lock held by `session` until that closes; on SQLite the file's path.
    """
    if database.dialect == "sqlite":
        return {"dialect": "sqlite", "path": os.path.realpath(database.address.database)}
    number = secrets.randbits(62)
    if database.dialect == "postgresql":
        session.scalar(f"SELECT pg_advisory_lock({number})")
        schema = session.scalar("SELECT current_schema()") or "none that exists"
        return {"dialect": "postgresql", "key": str(number), "schema": str(schema)}
    session.scalar(f"SELECT GET_LOCK('ci-migrate-identity-{number}', 0)")
    name = session.scalar("SELECT DATABASE()")
    return {"dialect": "mysql", "key": f"ci-migrate-identity-{number}", "database": str(name)}


def is_same_database(one: Database, other: Database) -> bool:
    """Return whether two URLs lead to the same database."""
    with one.session() as session:
        challenge = publish_challenge(one, session)
        return other.run(lambda connection: answer_challenge(connection, challenge))
