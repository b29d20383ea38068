"""Schemas built another way and yet the same, and schemas that differ, on every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_migrate.database.comparison import compare_schemas, read_schema
from ci_migrate.database.engine import Database
from tests.integration.promote.database import run_statements

ORDERS = (
    "CREATE TABLE orders (id INTEGER NOT NULL PRIMARY KEY, owner INTEGER REFERENCES users (id),"
    " at VARCHAR(30) DEFAULT '2026-11-01 10:00:00', CHECK (owner > 0))"
)
BASE = [
    "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40) DEFAULT 'x')",
    ORDERS,
    "CREATE INDEX ix_orders_owner ON orders (owner)",
    "CREATE VIEW names AS SELECT name FROM users",
]
ADDED = {
    "ALTER TABLE users ADD COLUMN extra INTEGER": "column users.extra is only in live",
    "CREATE TABLE more (id INTEGER)": "relation more is only in live",
    "CREATE UNIQUE INDEX ux ON users (name)": "index users.ux is only in live",
}
CHANGED = {
    "DEFAULT 'x'": "DEFAULT 'y'",
    "VARCHAR(30)": "VARCHAR(31)",
    "owner > 0": "owner > 1",
    "REFERENCES users (id)": "REFERENCES users (id) ON DELETE CASCADE",
    "orders (owner)": "orders (id)",
    "SELECT name FROM": "SELECT id AS name FROM",
}


def schema(url: str, statements: list[str], tmp_path: Path):
    run_statements(url, statements)
    return read_schema(Database(url, root=tmp_path), without=("alembic_version",))


@pytest.fixture
def another_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """A second empty database of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'another.sqlite'}"
        return
    server = request.getfixturevalue("postgres" if "postgres" in database_url else "mariadb")
    yield server.create_database()


def test_the_same_built_in_another_order_is_the_same(
    database_url: str, another_url: str, tmp_path: Path
) -> None:
    first = schema(
        database_url,
        [*BASE, "ALTER TABLE users ADD COLUMN a INTEGER", "ALTER TABLE users ADD COLUMN b INTEGER"],
        tmp_path,
    )
    other = [line.replace("2026-11-01", "2026-11-02") for line in BASE]
    second = schema(
        another_url,
        [
            *other,
            "ALTER TABLE users ADD COLUMN b INTEGER",
            "ALTER TABLE users ADD COLUMN a INTEGER",
        ],
        tmp_path,
    )
    assert compare_schemas(first, second) == ()


def test_what_differs_is_named(database_url: str, another_url: str, tmp_path: Path) -> None:
    first = schema(database_url, [*BASE, *ADDED, "DROP VIEW names"], tmp_path)
    second = schema(another_url, BASE, tmp_path)
    found = "\n".join(item.describe("live", "history") for item in compare_schemas(first, second))
    assert [
        words for words in (*ADDED.values(), "names is only in history") if words not in found
    ] == []
    assert "more.id" not in found, "a table that is missing as a whole is one difference"


def test_changed_definitions_are_seen(database_url: str, another_url: str, tmp_path: Path) -> None:
    first = schema(database_url, BASE, tmp_path)
    changed = "\n".join(BASE)
    for old, new in CHANGED.items():
        assert old in changed
        changed = changed.replace(old, new)
    second = schema(another_url, changed.split("\n"), tmp_path)
    found = {(item.table, item.name) for item in compare_schemas(first, second)}
    assert {("users", "name"), ("orders", "at"), ("orders", "ix_orders_owner")} <= found
    assert len(found) >= len(CHANGED), found


def test_text_that_means_the_same_on_sqlite(tmp_path: Path) -> None:
    first = schema(f"sqlite:///{tmp_path / 'a.db'}", BASE, tmp_path)
    orders = (
        'CREATE TABLE [orders] (id INTEGER NOT NULL, "owner" INTEGER, at VARCHAR(30)'
        " DEFAULT '2026-11-01 10:00:00', FOREIGN KEY(owner) REFERENCES users(id), PRIMARY KEY(id),"
        ' CHECK ("owner">0))'
    )
    other = [
        'create table "users"("name" varchar(40) default \'x\',\n "id" INTEGER NOT NULL, PRIMARY KEY (id))',
        orders,
        'CREATE INDEX ix_orders_owner ON "orders" ("owner")',
        "CREATE VIEW names AS -- a comment\nselect [name] from `users`",
    ]
    second = schema(f"sqlite:///{tmp_path / 'b.db'}", other, tmp_path)
    assert [item.describe("a", "b") for item in compare_schemas(first, second)] == []
