"""Whether this role may migrate this database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def find_privilege_problem(database: Database, schema: str | None) -> tuple[str, str] | None:
    """Return (what is missing, what to do), or None when tables can be created.

    `schema` is where the version table lives; None for the default schema.
    """
    if database.dialect == "sqlite":
        return _sqlite_problem(Path(database.address.database))
    if database.dialect == "mysql":
        return database.run(_mysql_problem)
    return database.run(lambda connection: _postgresql_problem(connection, schema))


def _postgresql_problem(connection: Connection, schema: str | None) -> tuple[str, str] | None:
    from sqlalchemy import text

    if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
        return (
            "the server is read-only (a standby, or default_transaction_read_only is on)",
            "Use the URL of the primary.",
        )
    row = connection.execute(
        text(
            "SELECT n.nspname, current_user, has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace n"
            " WHERE n.nspname = coalesce(:schema, current_schema())"
        ),
        {"schema": schema},
    ).first()
    if row is None:
        # A schema that the migrations will create themselves.
        return None
    if row[2]:
        return None
    quote = connection.dialect.identifier_preparer.quote
    return (
        f"role {row[1]} may not create tables in schema {row[0]}",
        f"GRANT CREATE, USAGE ON SCHEMA {quote(row[0])} TO {quote(row[1])};",
    )


def _mysql_problem(connection: Connection) -> tuple[str, str] | None:
    if connection.exec_driver_sql("SELECT @@global.read_only").scalar():
        return (
            "the server is read-only (@@read_only is on)",
            "Use the URL of the primary.",
        )
    return None


def _sqlite_problem(path: Path) -> tuple[str, str] | None:
    target = path if path.exists() else path.parent
    if not target.exists():
        return f"the folder {target} does not exist", "Create it, or correct the URL."
    if not os.access(target, os.W_OK):
        return f"{target} is not writable", "SQLite writes the file and beside it: allow both."
    return None
