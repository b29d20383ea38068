"""Whole databases on a server: create, drop, list, and say that one is in use by a living run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ci_migrate.database.challenge import Challenge
from ci_migrate.database.engine import Session

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

DROP_WITH_FORCE = 13
"""The PostgreSQL version from which a database can be dropped while others are connected to it."""


def create_database(session: Session, name: str, options: Sequence[str] = ()) -> None:
    """Create a database; `options` are the clauses after its name, already SQL.

    Raises DatabaseFailedError, also when a database of this name exists.
    """
    session.run(
        lambda c: execute(c, " ".join([f"CREATE DATABASE {quote_name(c, name)}", *options]))
    )


def drop_database(session: Session, dialect: str, name: str) -> None:
    """Drop a database that may be gone already, also while somebody is connected to it."""
    session.run(lambda connection: _drop(connection, dialect, name))


def list_databases(session: Session, dialect: str) -> tuple[str, ...]:
    """Return the names of the databases of a server that this role may see."""
    statement = (
        "SELECT datname FROM pg_database WHERE NOT datistemplate"
        if dialect == "postgresql"
        else "SELECT schema_name FROM information_schema.schemata"
    )
    rows = session.run(lambda c: c.exec_driver_sql(statement).fetchall())
    return tuple(sorted(str(row[0]) for row in rows))


def find_challenged(session: Session, challenge: Challenge) -> str | None:
    """Return the name of the database that a challenge was published in, seen from another one of its server.

    None when it is none of this server's.
    """
    if challenge["dialect"] == "postgresql":
        statement = (
            "SELECT d.datname FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory'"
            f" AND ((l.classid::bigint << 32) | l.objid::bigint) = {int(challenge['key'])}"
        )
        found = session.scalar(statement)
        return None if found is None else str(found)
    held = session.scalar(f"SELECT IS_USED_LOCK('{challenge['key']}')")
    return None if held is None else challenge["database"]


def hold_name(session: Session, dialect: str, name: str) -> bool:
    """Mark a database's name as in use for as long as the session lives; False when another one holds it."""
    digest = hashlib.sha256(f"ci-migrate-scratch:{name}".encode()).digest()
    if dialect != "postgresql":
        return bool(session.scalar(f"SELECT GET_LOCK('ci-migrate-{digest.hex()[:40]}', 0)"))
    key = int.from_bytes(digest[:8], "big", signed=True)
    # Advisory locks are each database's own: another run may hold this one from another database.
    held = (
        "SELECT count(*) FROM pg_locks l WHERE l.locktype = 'advisory'"
        f" AND ((l.classid::bigint << 32) | l.objid::bigint) = {key}"
    )
    return not session.scalar(held) and bool(session.scalar(f"SELECT pg_try_advisory_lock({key})"))


def _drop(connection: Connection, dialect: str, name: str) -> None:
    statement = f"DROP DATABASE IF EXISTS {quote_name(connection, name)}"
    if dialect != "postgresql":
        execute(connection, statement)
        return
    major = int(connection.exec_driver_sql("SHOW server_version_num").scalar() or 0) // 10_000
    if major >= DROP_WITH_FORCE:
        execute(connection, f"{statement} WITH (FORCE)")
        return
    from sqlalchemy import text

    others = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    connection.execute(others, {"name": name}).close()
    execute(connection, statement)


def execute(connection: Connection, statement: str) -> None:
    """Run one statement of ours without parameters; percent signs and colons stand for themselves."""
    from sqlalchemy import text

    connection.execute(text(statement.replace(":", "\\:"))).close()


def quote_name(connection: Connection, name: str) -> str:
    """Return a name as SQL."""
    return str(connection.dialect.identifier_preparer.quote_identifier(name))


def quote_text(text: str) -> str:
    """Return a text as an SQL string that PostgreSQL, MariaDB and MySQL read alike where it has no backslash."""
    return "'" + text.replace("'", "''") + "'"
