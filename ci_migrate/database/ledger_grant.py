"""Whether this role may create the ledger, or write the one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database
from ci_migrate.database.ledger_table import LEDGER_TABLE, ledger_exists

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_RIGHTS = (
    "SELECT current_user, n.nspname, s.relname AS sequence,"
    " has_schema_privilege(n.oid, 'USAGE') AS in_schema,"
    " has_table_privilege(c.oid, 'SELECT') AS \"SELECT\","
    " has_table_privilege(c.oid, 'INSERT') AS \"INSERT\","
    " has_table_privilege(c.oid, 'UPDATE') AS \"UPDATE\","
    " coalesce(has_sequence_privilege(s.oid, 'USAGE'), true) AS in_sequence"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_depend d ON d.refobjid = c.oid AND d.classid = 'pg_class'::regclass"
    " AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')"
    " LEFT JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
    " WHERE c.relname = :table AND n.nspname = :schema ORDER BY s.relname LIMIT 1"
)


def missing_grant(database: Database, schema: str | None) -> tuple[str, str] | None:
    """Return (why the ledger cannot be created or written, the SQL for an administrator), or None.

    Only PostgreSQL is asked; the others are found out when the table is created.
    """
    if database.dialect != "postgresql":
        return None
    find = _may_not_write if ledger_exists(database, schema) else _may_not_create
    return database.run(lambda connection: find(connection, schema))


def _may_not_create(connection: Connection, schema: str | None) -> tuple[str, str] | None:
    from sqlalchemy import inspect, text

    quote = connection.dialect.identifier_preparer.quote
    role, name = connection.execute(text("SELECT current_user, current_database()")).one()
    target = schema or str(inspect(connection).default_schema_name)
    problem = f"the ledger cannot be created: role {role} may not create"
    if target in inspect(connection).get_schema_names():
        question = text("SELECT has_schema_privilege(current_user, :name, 'CREATE')")
        if connection.execute(question, {"name": target}).scalar():
            return None
        grant = f"GRANT CREATE, USAGE ON SCHEMA {quote(target)} TO {quote(role)};"
        return f"{problem} tables in schema {target}", grant
    question = text("SELECT has_database_privilege(current_user, :name, 'CREATE')")
    if connection.execute(question, {"name": name}).scalar():
        return None
    grant = f"CREATE SCHEMA {quote(target)} AUTHORIZATION {quote(role)};"
    return f"{problem} schema {target}", grant


def _may_not_write(connection: Connection, schema: str | None) -> tuple[str, str] | None:
    from sqlalchemy import inspect, text

    quote = connection.dialect.identifier_preparer.quote
    target = schema or str(inspect(connection).default_schema_name)
    row = connection.execute(text(_RIGHTS), {"table": LEDGER_TABLE, "schema": target}).one()
    missing = [right for right in ("SELECT", "INSERT", "UPDATE") if not row._mapping[right]]  # noqa: SLF001
    if row.in_schema and row.in_sequence and not missing:
        return None
    role, home = quote(row.current_user), quote(row.nspname)
    grants = [] if row.in_schema else [f"GRANT USAGE ON SCHEMA {home} TO {role};"]
    if missing:
        grants.append(f"GRANT {', '.join(missing)} ON {home}.{LEDGER_TABLE} TO {role};")
    if not row.in_sequence:
        # A dump reads it, too.
        grants.append(f"GRANT USAGE, SELECT ON SEQUENCE {home}.{quote(row.sequence)} TO {role};")
    what = f"role {row.current_user} may not write {row.nspname}.{LEDGER_TABLE}"
    return f"the ledger cannot be written: {what}", " ".join(grants)
