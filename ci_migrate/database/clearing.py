"""SQL that empties a database, for a client that loads an archive in the same session right after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database
from ci_migrate.database.half_restored import MARK_TABLE, begin_script, end_script

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Schemas go as a whole. `public` stays, for an archive does not make it, and what is in it goes one by one, tables
# first: whatever belongs to them goes with them (the key columns of a partitioned table belong to itself). What cannot
# be dropped fails, and with it the transaction.
_POSTGRESQL = """\
SET LOCAL lock_timeout = '60s';
DO $clear$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT evtname FROM pg_event_trigger LOOP
        EXECUTE format('DROP EVENT TRIGGER %I', item.evtname);
    END LOOP;
    FOR item IN SELECT pubname FROM pg_publication LOOP
        EXECUTE format('DROP PUBLICATION %I', item.pubname);
    END LOOP;
    FOR item IN SELECT extname FROM pg_extension
        WHERE extname <> 'plpgsql' AND pg_has_role(extowner, 'USAGE')
    LOOP
        EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', item.extname);
    END LOOP;
    FOR item IN SELECT nspname FROM pg_namespace
        WHERE left(nspname, 3) <> 'pg_' AND nspname NOT IN ('information_schema', 'public')
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', item.nspname);
    END LOOP;
    FOR item IN
        SELECT named.type, named.identity FROM pg_depend d,
            LATERAL pg_identify_object(d.classid, d.objid, 0) AS named
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = to_regnamespace('public')
            AND d.deptype = 'n' AND NOT EXISTS (
                SELECT 1 FROM pg_depend e
                WHERE e.classid = d.classid AND e.objid = d.objid AND e.objsubid = 0 AND e.deptype IN ('e', 'i'))
        ORDER BY named.type <> 'table'
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE',
            CASE item.type WHEN 'statistics object' THEN 'statistics' ELSE item.type END, item.identity);
    END LOOP;
    FOR item IN SELECT srvname FROM pg_foreign_server LOOP
        EXECUTE format('DROP SERVER %I CASCADE', item.srvname);
    END LOOP;
    PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
END
$clear$;
"""
_MARIADB = """
    SELECT 'VIEW', table_name FROM information_schema.views WHERE table_schema = DATABASE()
    UNION ALL
    SELECT CASE table_type WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END, table_name
    FROM information_schema.tables WHERE table_schema = DATABASE()
        AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')
    UNION ALL
    SELECT routine_type, routine_name FROM information_schema.routines
    WHERE routine_schema = DATABASE() AND routine_type IN ('FUNCTION', 'PROCEDURE', 'PACKAGE')
    UNION ALL
    SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE()"""


def clearing_script(database: Database, backup: str, begun: str) -> str:
    """Return the SQL that drops everything in a database but the database itself; empty for SQLite.

    PostgreSQL: one transaction takes it and the load together. MariaDB: each statement stands for itself, so first
    a mark is set that names the backup; `finishing_script` takes it away.
    """
    if database.dialect == "postgresql":
        return _POSTGRESQL
    if database.dialect == "sqlite":
        return ""
    return begin_script(backup, begun) + database.run(_mariadb_script)


def finishing_script(database: Database) -> str:
    """Return the SQL that says, right after the archive, that all of it is loaded."""
    return end_script() if database.dialect == "mysql" else ""


def _mariadb_script(connection: Connection) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    rows = connection.exec_driver_sql(_MARIADB).fetchall()
    # The client puts the foreign keys' setting back by itself: the session ends with the load.
    drops = [
        f"DROP {kind} IF EXISTS {quote(str(name))};\n" for kind, name in rows if name != MARK_TABLE
    ]
    return "SET FOREIGN_KEY_CHECKS = 0;\n" + "".join(drops) + "SET FOREIGN_KEY_CHECKS = 1;\n"
