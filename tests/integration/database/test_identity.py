"""Never the wrong database: a challenge is answered only where it was published."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ci_migrate.database.challenge import answer_challenge
from ci_migrate.database.engine import Database
from ci_migrate.database.identity import publish_challenge
from tests.conftest import POSTGRES, POSTGRES_DRIVER
from tests.faults.stock import wait_until
from tests.integration.database.drivers import open_database
from tests.servers.postgres import PostgresServer


def is_same(published: Database, answering: Database) -> bool:
    with published.session() as session:
        challenge = publish_challenge(published, session)
        return answering.run(lambda connection: answer_challenge(connection, challenge))


def test_the_same_database_by_another_connection(database_url: str) -> None:
    assert is_same(open_database(database_url), open_database(database_url))


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_the_same_database_by_another_way_to_the_server(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    tcp = request.getfixturevalue(kind).tcp_url(str(sa.engine.make_url(url).database))
    assert is_same(open_database(url), open_database(tcp))


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_another_database_of_the_same_server(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    other = request.getfixturevalue(kind).create_database()
    assert not is_same(open_database(url), open_database(other))
    assert not is_same(open_database(other), open_database(url))


@pytest.mark.newest
def test_a_database_of_the_same_name_on_another_server(postgres_url: str) -> None:
    assert POSTGRES is not None
    server = PostgresServer(POSTGRES, driver=POSTGRES_DRIVER)
    try:
        name = str(sa.engine.make_url(postgres_url).database)
        server.run_sql(f'CREATE DATABASE "{name}"')
        assert not is_same(open_database(postgres_url), open_database(server.url(name)))
    finally:
        server.stop()


def test_another_kind_of_database(postgres_url: str, mariadb_url: str, sqlite_url: str) -> None:
    databases = [open_database(url) for url in (postgres_url, mariadb_url, sqlite_url)]
    for one in databases:
        for other in databases:
            assert is_same(one, other) == (one is other)


def test_the_challenge_is_over_when_it_is_taken_back(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with database.session() as session:
        challenge = publish_challenge(database, session)
        assert database.run(lambda connection: answer_challenge(connection, challenge))
    # The server learns a moment later that its client has gone.
    wait_until(
        lambda: not database.run(lambda connection: answer_challenge(connection, challenge)),
        10,
        "the end of the challenge",
    )


def test_a_sqlite_file_by_another_name(sqlite_url: str, tmp_path: Path) -> None:
    database = open_database(sqlite_url)
    database.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (i INTEGER)"))
    file = Path(database.address.database)
    (tmp_path / "link.db").symlink_to(file)
    assert is_same(database, open_database(f"sqlite:///{tmp_path / 'link.db'}"))
    assert not is_same(database, open_database(f"sqlite:///{tmp_path / 'other.db'}"))


def test_a_copy_of_a_sqlite_file_is_another_database(sqlite_url: str, tmp_path: Path) -> None:
    database = open_database(sqlite_url)
    database.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (i INTEGER)"))
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(database.address.database).read_bytes())
    assert not is_same(database, open_database(f"sqlite:///{copy}"))


def test_a_database_in_memory_is_no_file(sqlite_url: str) -> None:
    published = open_database(sqlite_url)
    with published.session() as session:
        challenge = publish_challenge(published, session)
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        assert not answer_challenge(connection, challenge)
    engine.dispose()
    assert Path(challenge["path"]).is_absolute()
