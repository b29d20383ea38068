"""Whether a column holds anything that somebody wrote."""

from __future__ import annotations

import pytest

from ci_migrate.database.objects import SchemaObjects
from tests.integration.database.drivers import open_database
from tests.integration.promote.database import run_statements

pytestmark = pytest.mark.newest
FILLED = {"plain": "7", "flag": "1", "word": "'o''ther'"}


def test_a_value_is_what_no_default_made(database_url: str) -> None:
    objects = SchemaObjects(open_database(database_url))
    run_statements(
        database_url,
        [
            "CREATE TABLE one (id INTEGER)",
            "INSERT INTO one VALUES (1)",  # with one row every value is the same in all rows
            "ALTER TABLE one ADD COLUMN plain INTEGER",
            "ALTER TABLE one ADD COLUMN flag INTEGER DEFAULT 0 NOT NULL",
            "ALTER TABLE one ADD COLUMN word VARCHAR(20) DEFAULT 'it''s'",
        ],
    )
    names = ["plain", "flag", "word"]
    assert [objects.count_values("one", name) for name in names] == [0, 0, 0]
    for name in names:
        run_statements(database_url, [f"UPDATE one SET {name} = {FILLED[name]}"])
        assert objects.count_values("one", name) == 1, name
    assert objects.count_values("one", "missing") == 0


def test_a_value_that_only_a_collation_takes_for_the_default(database_url: str) -> None:
    objects = SchemaObjects(open_database(database_url))
    sqlite = " COLLATE NOCASE" if database_url.startswith("sqlite") else ""
    run_statements(
        database_url,
        [
            "CREATE TABLE one (id INTEGER)",
            "INSERT INTO one VALUES (1)",
            f"ALTER TABLE one ADD COLUMN state VARCHAR(20) DEFAULT 'Open' NOT NULL{sqlite}",
        ],
    )
    assert objects.count_values("one", "state") == 0
    run_statements(database_url, ["UPDATE one SET state = 'open'"])
    assert objects.count_values("one", "state") == 1


def test_a_default_of_a_type_without_comparison(postgres_url: str) -> None:
    objects = SchemaObjects(open_database(postgres_url))
    run_statements(
        postgres_url,
        [
            "CREATE TABLE one (id INTEGER)",
            "INSERT INTO one VALUES (1)",
            "ALTER TABLE one ADD COLUMN settings JSON DEFAULT '{}'",
        ],
    )
    assert objects.count_values("one", "settings") == 0
    run_statements(postgres_url, ["""UPDATE one SET settings = '{"a": 1}'"""])
    assert objects.count_values("one", "settings") == 1


def test_what_a_function_made_counts_as_a_value(postgres_url: str) -> None:
    objects = SchemaObjects(open_database(postgres_url))
    run_statements(
        postgres_url,
        [
            "CREATE SEQUENCE numbers",
            "CREATE TABLE one (id INTEGER)",
            "INSERT INTO one VALUES (1)",
            "ALTER TABLE one ADD COLUMN made INTEGER DEFAULT nextval('numbers')",
        ],
    )
    assert objects.count_values("one", "made") == 1
