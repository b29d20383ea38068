"""Whether this role may migrate this database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


_NEEDED = {"CREATE", "INSERT", "UPDATE", "DELETE", "SELECT"}
"""What no migration of MariaDB or MySQL goes without: the version table and the ledger are made and written."""
_WRITES_ANYWAY = {"SUPER", "READ_ONLY ADMIN", "READ ONLY ADMIN", "CONNECTION_ADMIN"}


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
    held = _mysql_privileges(connection)
    if (
        connection.exec_driver_sql("SELECT @@global.read_only").scalar()
        and not held & _WRITES_ANYWAY
    ):
        return (
            "the server is read-only (@@read_only is on)",
            "Use the URL of the primary.",
        )
    missing = sorted(_NEEDED - held)
    if not held or not missing:  # privileges of a role are not listed: nothing is known of them
        return None
    user = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar())
    name = str(connection.exec_driver_sql("SELECT DATABASE()").scalar())
    words = ", ".join(missing)
    login, _, host = user.rpartition("@")
    quote = connection.dialect.identifier_preparer.quote_identifier
    return (
        f"{user} may not {words} in database {name}",
        f"GRANT {words} ON {quote(name)}.* TO {_literal(login)}@{_literal(host)};",
    )


def _mysql_privileges(connection: Connection) -> set[str]:
    """Return what the account may do in its database, granted to itself; empty where it has a role or nothing."""
    from sqlalchemy import text

    version = connection.dialect.server_version_info or (0,)
    role = connection.exec_driver_sql("SELECT CURRENT_ROLE()").scalar() if version >= (8,) else None
    if role not in {None, "NONE"}:
        return set()
    # The names of databases in grants are patterns.
    found = connection.execute(
        text(
            "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = :me"
            " UNION SELECT privilege_type FROM information_schema.schema_privileges"
            " WHERE grantee = :me AND DATABASE() LIKE table_schema"
        ),
        {"me": _grantee(connection)},
    )
    return {str(row[0]).upper() for row in found} - {"USAGE"}


def _grantee(connection: Connection) -> str:
    login, _, host = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar()).rpartition(
        "@"
    )
    return f"'{login}'@'{host}'"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _sqlite_problem(path: Path) -> tuple[str, str] | None:
    target = path if path.exists() else path.parent
    if not target.exists():
        return f"the folder {target} does not exist", "Create it, or correct the URL."
    if not os.access(target, os.W_OK):
        return f"{target} is not writable", "SQLite writes the file and beside it: allow both."
    return None
