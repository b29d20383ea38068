"""The version table as it is: missing, empty, elsewhere, narrow."""

from __future__ import annotations

import pytest

from ci_migrate.database.version_rows import VersionRows, read_version_rows
from tests.integration.database.drivers import open_database


def test_a_missing_table(database_url: str) -> None:
    database = open_database(database_url)
    limit = None if "sqlite" in database_url else 32
    expected = VersionRows(rows=(), table_exists=False, id_length=limit)
    assert read_version_rows(database, "alembic_version", None) == expected
    if "sqlite" in database_url:
        assert database.is_missing_file, "reading creates nothing"


@pytest.mark.parametrize("rows", [(), ("bbbb", "aaaa")])
@pytest.mark.parametrize("length", [32, 128])
def test_rows_are_sorted_and_the_width_of_the_column_is_known(
    rows: tuple[str, ...], length: int, database_url: str
) -> None:
    database = open_database(database_url)
    create = f"CREATE TABLE my_versions (version_num VARCHAR({length}) NOT NULL)"
    database.run(lambda connection: connection.exec_driver_sql(create))
    for row in rows:
        insert = f"INSERT INTO my_versions VALUES ('{row}')"
        database.run(lambda connection, insert=insert: connection.exec_driver_sql(insert))
    found = read_version_rows(database, "my_versions", None)
    assert found.rows == tuple(sorted(rows))
    assert found.table_exists
    assert found.id_length == (None if "sqlite" in database_url else length)


def test_a_column_without_limit(postgres_url: str) -> None:
    database = open_database(postgres_url)
    create = "CREATE TABLE alembic_version (version_num text)"
    database.run(lambda connection: connection.exec_driver_sql(create))
    assert read_version_rows(database, "alembic_version", None).id_length is None


def test_another_schema(postgres_url: str) -> None:
    database = open_database(postgres_url)
    for statement in (
        'CREATE SCHEMA "My Schema"',
        'CREATE TABLE "My Schema".alembic_version (version_num varchar(40))',
        "INSERT INTO \"My Schema\".alembic_version VALUES ('aaaa')",
        "CREATE TABLE alembic_version (version_num varchar(40))",
        "INSERT INTO alembic_version VALUES ('other')",
    ):
        database.run(lambda connection, text=statement: connection.exec_driver_sql(text))
    assert read_version_rows(database, "alembic_version", "My Schema").rows == ("aaaa",)
    assert read_version_rows(database, "alembic_version", None).rows == ("other",)
