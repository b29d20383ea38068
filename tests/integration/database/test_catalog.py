"""A snapshot of the schema sees every kind of change, and neither the ledger nor the version table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.database.catalog import Snapshot, list_tables, take_snapshot
from ci_migrate.database.engine import Database
from ci_migrate.database.versioned import find_lost_history
from ci_migrate.errors import DatabaseFailedError
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Outcome, Plan
from tests.integration.database.drivers import open_database
from tests.integration.promote.database import run_statements
from tests.unit.report.samples import PENDING, make_promotion

pytestmark = pytest.mark.newest
VERSION_TABLE = "alembic_version"
WITHOUT = ("ci_migrate_ledger", VERSION_TABLE)
START = [
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20), age INTEGER DEFAULT 1)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, CHECK (user_id > 0))",
    "CREATE INDEX ix_name ON users (name)",
    "CREATE VIEW names AS SELECT name FROM users",
]
EVERYWHERE = {
    "a table more": "CREATE TABLE more (id INTEGER)",
    "a table less": "DROP TABLE orders",
    "a table renamed": "ALTER TABLE orders RENAME TO purchases",
    "a column more": "ALTER TABLE users ADD COLUMN email VARCHAR(20)",
    "an index more": "CREATE INDEX ix_user ON orders (user_id)",
    "a unique index more": "CREATE UNIQUE INDEX ux_name ON users (name)",
    "a view more": "CREATE VIEW ids AS SELECT id FROM users",
    "a view less": "DROP VIEW names",
    "a table whose name begins like the version table": f"CREATE TABLE {VERSION_TABLE}_notes (id INTEGER)",
}
ON_SERVERS = {
    "another type": {
        "postgresql": "ALTER TABLE users ALTER COLUMN age TYPE bigint",
        "mysql": "ALTER TABLE users MODIFY age BIGINT DEFAULT 1",
    },
    "a column less": "ALTER TABLE users DROP COLUMN age",
    "no null": {
        "postgresql": "ALTER TABLE users ALTER COLUMN age SET NOT NULL",
        "mysql": "ALTER TABLE users MODIFY age INTEGER NOT NULL DEFAULT 1",
    },
    "another default": "ALTER TABLE users ALTER COLUMN age SET DEFAULT 2",
    "no default": "ALTER TABLE users ALTER COLUMN age DROP DEFAULT",
    "a foreign key": "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)",
    "a view of the same columns": "CREATE OR REPLACE VIEW names AS SELECT name FROM users WHERE id > 1",
    "an index of the same name": {
        "postgresql": "DROP INDEX ix_name; CREATE INDEX ix_name ON users (name) WHERE id > 1",
        "mysql": "CREATE OR REPLACE INDEX ix_name ON users (name DESC, id)",
    },
    "a check more": "ALTER TABLE users ADD CONSTRAINT ck CHECK (age > 0)",
    "a trigger": {
        "postgresql": (
            "CREATE TRIGGER tr BEFORE UPDATE ON users FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
        "mysql": "CREATE TRIGGER tr BEFORE UPDATE ON users FOR EACH ROW SET NEW.age = 1",
    },
    "a function": {
        "postgresql": "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "mysql": "CREATE FUNCTION f() RETURNS INTEGER DETERMINISTIC RETURN 1",
    },
    "a sequence": "CREATE SEQUENCE counting",
}
ON_POSTGRESQL = {
    "an enum": "CREATE TYPE mood AS ENUM ('ok')",
    "a domain": "CREATE DOMAIN positive AS integer CHECK (value > 0)",
    "a materialised view": "CREATE MATERIALIZED VIEW m AS SELECT 1 AS one",
    "a table in another schema": "CREATE SCHEMA s; CREATE TABLE s.t (id integer)",
    "a policy": "CREATE POLICY p ON users USING (id > 1)",
    "row security": "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
}


def cases() -> list[object]:
    """Return (kind of database, statements) for every kind of change."""
    found = []
    for dialect, kind in (("postgresql", "postgres"), ("mysql", "mariadb"), ("sqlite", "sqlite")):
        changes: dict[str, object] = dict(EVERYWHERE)
        if dialect != "sqlite":
            changes |= ON_SERVERS
        if dialect == "postgresql":
            changes |= ON_POSTGRESQL
        for name, change in changes.items():
            statement = change[dialect] if isinstance(change, dict) else change
            found.append(pytest.param(kind, statement, id=f"{kind}-{name}"))
    return found


def execute(database: Database, *statements: str) -> None:
    for statement in statements:
        for part in statement.split("; "):
            database.run(lambda connection, part=part: connection.exec_driver_sql(part))


def snapshot(database: Database) -> Snapshot:
    return take_snapshot(database, without=WITHOUT)


@pytest.mark.parametrize(("database_url", "statement"), cases(), indirect=["database_url"])
def test_every_kind_of_change_is_seen(database_url: str, statement: str) -> None:
    database = open_database(database_url)
    execute(database, *START)
    before = snapshot(database)
    assert snapshot(database) == before
    execute(database, statement)
    after = snapshot(database)
    assert after != before
    assert before.changed_tables(after)


def test_rows_version_table_and_ledger_are_no_change(database_url: str) -> None:
    database = open_database(database_url)
    execute(database, *START)
    before = snapshot(database)
    execute(
        database,
        f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL,"
        f" CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))",
        f"INSERT INTO {VERSION_TABLE} VALUES ('aaaa')",
        "INSERT INTO users (id, name) VALUES (1, 'ada')",
    )
    ledger = Ledger(database, schema="ci_migrate", environment="dev")
    plan = Plan(current=(), target=("bbbb2222",), pending=PENDING)
    run = make_promotion(Outcome.PROMOTED).run
    ledger.start_run(run, plan, None, {})
    assert snapshot(database) == before


def test_changed_tables_are_named(database_url: str) -> None:
    database = open_database(database_url)
    execute(database, *START)
    before = snapshot(database)
    execute(database, EVERYWHERE["a column more"], EVERYWHERE["an index more"])
    assert {"orders", "users"} >= set(before.changed_tables(snapshot(database))) >= {"users"}


def test_tables_are_listed_without_views(database_url: str) -> None:
    database = open_database(database_url)
    execute(database, *START)
    assert [name for _, name in list_tables(database)] == ["orders", "users"]


def test_a_file_that_does_not_exist_is_not_created(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    assert (list_tables(database), snapshot(database)) == ((), Snapshot(frozenset()))
    assert database.is_missing_file


def test_a_table_that_somebody_rewrites_is_named_as_what_is_waited_for(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ci_migrate.database.catalog.LOCK_WAIT_SECONDS", 1)
    database = Database(postgres_url, root=tmp_path)
    run_statements(postgres_url, ["CREATE TABLE held (id integer DEFAULT 1)"])
    with database.session(autocommit=False) as holder:
        lock = "LOCK TABLE held IN ACCESS EXCLUSIVE MODE"
        holder.run(lambda connection: connection.exec_driver_sql(lock).close())
        with pytest.raises(
            DatabaseFailedError, match="somebody has locked a table for 1 s"
        ) as told:
            take_snapshot(database, without=())
    assert "pg_locks" in (told.value.next_step or "")
    assert take_snapshot(database, without=()).facts


def test_history_that_no_dump_holds_is_named(mariadb_url: str) -> None:
    database = open_database(mariadb_url)
    run_statements(mariadb_url, ["CREATE TABLE kept (id int PRIMARY KEY) WITH SYSTEM VERSIONING"])
    assert find_lost_history(database) == ()
    run_statements(
        mariadb_url,
        [
            (
                "CREATE TABLE exact (id int PRIMARY KEY, began bigint unsigned GENERATED ALWAYS AS ROW START,"
                " ended bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (began, ended))"
                " WITH SYSTEM VERSIONING"
            )
        ],
    )
    assert find_lost_history(database) == ("exact", "kept")
