"""What a copy of a database needs of its server: encoding, collation, extensions, accounts, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci_migrate.database.catalog import read_server_version
from ci_migrate.database.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_COPIED_SETTINGS = {
    "search_path",
    "timezone",
    "datestyle",
    "intervalstyle",
    "default_text_search_config",
    "check_function_bodies",
    "default_transaction_isolation",
}
"""Settings of a database or role that decide what a revision does there."""
# As JSON, so that columns which only some versions have are asked for on all of them.
_POSTGRESQL = """
    SELECT current_database(), current_user, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
           to_jsonb(d) ->> 'datlocprovider',
           coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
    FROM pg_database d WHERE d.datname = current_database()"""
_POSTGRESQL_SETTINGS = """
    SELECT s.setting FROM pg_db_role_setting r, unnest(r.setconfig) AS s(setting)
    WHERE r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND r.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))
    ORDER BY r.setrole <> 0, r.setdatabase <> 0"""
_MYSQL = """
    SELECT DATABASE(), SUBSTRING_INDEX(CURRENT_USER(), '@', 1), @@character_set_database,
           @@collation_database, @@global.sql_mode, @@lower_case_table_names"""
_DEFINERS = """
    SELECT definer FROM information_schema.triggers WHERE trigger_schema = DATABASE()
    UNION SELECT definer FROM information_schema.routines WHERE routine_schema = DATABASE()
    UNION SELECT definer FROM information_schema.views WHERE table_schema = DATABASE()
    UNION SELECT definer FROM information_schema.events WHERE event_schema = DATABASE()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is asked of the server of a copy; what a kind of database does not have is empty."""

    dialect: str
    version: str
    major: int
    database: str
    user: str
    encoding: str = ""
    collation: str = ""
    character_type: str = ""
    provider: str = ""
    """PostgreSQL's `datlocprovider`: c, i or b; empty before version 15."""
    locale: str = ""
    extensions: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    """Names of roles (PostgreSQL), or accounts `user@host` that own code (MariaDB)."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the database and the role (PostgreSQL), or of the server (MariaDB)."""


def read_traits(database: Database) -> Traits:
    """Return the traits of a database; changes nothing."""
    version, major = read_server_version(database)
    if database.dialect == "postgresql":
        return database.run(lambda connection: _read_postgresql(connection, version, major))
    if database.dialect == "mysql":
        return database.run(lambda connection: _read_mysql(connection, version, major))
    return Traits(
        dialect="sqlite", version=version, major=major, database=database.address.database, user=""
    )


def find_missing_extensions(database: Database, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the extensions a PostgreSQL server could not create."""
    if database.dialect != "postgresql" or not wanted:
        return ()
    rows = database.run(lambda c: _column(c, "SELECT name FROM pg_available_extensions"))
    return tuple(name for name in wanted if name not in rows)


def _read_postgresql(connection: Connection, version: str, major: int) -> Traits:
    row = [str(part or "") for part in connection.exec_driver_sql(_POSTGRESQL).one()]
    settings = {}
    for text in _column(connection, _POSTGRESQL_SETTINGS):
        name, _, value = text.partition("=")
        if name.lower() in _COPIED_SETTINGS:
            settings[name.lower()] = value
    return Traits(
        dialect="postgresql",
        version=version,
        major=major,
        database=row[0],
        user=row[1],
        encoding=row[2],
        collation=row[3],
        character_type=row[4],
        provider=row[5],
        locale=row[6],
        extensions=_column(
            connection, "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
        ),
        accounts=_column(
            connection, "SELECT rolname FROM pg_roles WHERE left(rolname, 3) <> 'pg_' ORDER BY 1"
        ),
        settings=settings,
    )


def _read_mysql(connection: Connection, version: str, major: int) -> Traits:
    row = [str(part or "") for part in connection.exec_driver_sql(_MYSQL).one()]
    return Traits(
        dialect="mysql",
        version=version,
        major=major,
        database=row[0],
        user=row[1],
        encoding=row[2],
        collation=row[3],
        accounts=_column(connection, _DEFINERS),
        settings={"sql_mode": row[4], "lower_case_table_names": row[5] or "0"},
    )


def _column(connection: Connection, statement: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in connection.exec_driver_sql(statement).fetchall())
