"""Scratch databases: like the environment's, never it, and gone afterwards, also after a kill."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ci_migrate.database.databases import create_database, list_databases
from ci_migrate.database.engine import Database
from ci_migrate.database.identity import publish_challenge
from ci_migrate.database.traits import read_traits
from ci_migrate.errors import ConfigError, ScratchError
from ci_migrate.scratch.guard import refuse_own_database, refuse_own_server
from ci_migrate.scratch.name import scratch_name
from ci_migrate.scratch.open import open_scratch
from tests.contract.source import ROOT
from tests.integration.scratch.asking import ask, utc_now
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

SERVERS = ["postgres", "mariadb"]
POSTGRES_FIRST = ["postgres", pytest.param("mariadb", marks=pytest.mark.slow)]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="cm-") as folder:
        yield Path(folder)


def names(url: str, place: Path) -> tuple[str, ...]:
    """Return the databases of a server."""
    database = Database(url, root=place)
    with database.session() as session:
        return list_databases(session, database.dialect)


def later() -> object:
    return utc_now() + timedelta(minutes=11)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.newest
def test_a_private_database_is_like_the_environments_and_leaves_nothing(
    database_url: str, place: Path
) -> None:
    request = ask(database_url, place)
    with open_scratch(request) as scratch:
        assert scratch.is_private
        traits, wanted = read_traits(scratch.database), read_traits(request.like)
        assert (traits.encoding, traits.collation) == (wanted.encoding, wanted.collation)
        assert set(traits.accounts) >= set(wanted.accounts)
        assert scratch.url.partition("://")[0] == database_url.partition("://")[0]
        folders = list(place.iterdir())
        assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700]
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("kind", SERVERS)
def test_a_database_on_a_given_server_is_dropped_in_every_case(
    kind: str, request: pytest.FixtureRequest, place: Path
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    before = names(url, place)
    with pytest.raises(ZeroDivisionError), open_scratch(ask(url, place, scratch_url=url)) as made:
        name = made.database.address.database
        assert name.startswith("ci_migrate_scratch_dev1_0a1b2c3d_")
        assert set(names(url, place)) - set(before) == {name}
        raise ZeroDivisionError
    assert names(url, place) == before


@pytest.mark.newest
@pytest.mark.parametrize("kind", POSTGRES_FIRST)
def test_what_a_killed_run_left_is_swept_but_not_what_a_living_one_has(
    kind: str, request: pytest.FixtureRequest, place: Path
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    before = names(url, place)
    with open_scratch(ask(url, place, scratch_url=url)) as living:
        dead = leave_behind(url, place, scratch_url=url)
        with open_scratch(ask(url, place, scratch_url=url)):
            assert dead in names(url, place), "it is younger than ten minutes"
        wait_until(lambda: not is_connected(url, dead, kind, request))
        with open_scratch(ask(url, place, scratch_url=url, now=later)):
            found = set(names(url, place))
        assert dead not in found
        assert living.database.address.database in found
    assert names(url, place) == before


def is_connected(url: str, name: str, kind: str, request: pytest.FixtureRequest) -> bool:
    """Return whether the server still has the session of the killed run, which holds its name."""
    if kind == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        rows = server.run_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ci-migrate scratch'"
        )
        return int(rows) > 1
    mariadb: MariadbServer = request.getfixturevalue("mariadb")
    own = str(sa.engine.make_url(url).database)
    sql = f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{own}'"
    return int(mariadb.run_sql(sql)) > 2


@pytest.mark.newest
@pytest.mark.parametrize("kind", POSTGRES_FIRST)
def test_a_private_server_dies_with_the_run_that_started_it(
    kind: str, request: pytest.FixtureRequest, place: Path
) -> None:
    leave_behind(request.getfixturevalue(f"{kind}_url"), place)
    wait_until(lambda: list(place.iterdir()) == [])


def test_a_folder_that_a_killed_run_left_is_swept(sqlite_url: str, place: Path) -> None:
    leave_behind(sqlite_url, place)
    assert len(list(place.iterdir())) == 1
    with open_scratch(ask(sqlite_url, place)):
        assert len(list(place.iterdir())) == 2, "it is younger than ten minutes"
    with open_scratch(ask(sqlite_url, place, now=later)):
        assert len(list(place.iterdir())) == 1


def leave_behind(url: str, place: Path, *, scratch_url: str = "") -> str:
    """Kill a run that has a scratch database, and return the name of that."""
    argv = [sys.executable, "-m", "tests.integration.scratch.left_behind", url, str(place)]
    with subprocess.Popen([*argv, scratch_url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        name = str(sa.engine.make_url(run.stdout.readline().strip()).database)
        run.kill()
    return name


@pytest.mark.parametrize("kind", SERVERS)
def test_the_environments_own_database_is_never_dropped_whatever_its_name(
    kind: str, request: pytest.FixtureRequest, place: Path
) -> None:
    server_url = request.getfixturevalue(f"{kind}_url")
    name = scratch_name("dev", "run", utc_now() - timedelta(days=2))
    server = Database(server_url, root=place)
    with server.session() as session:
        create_database(session, name)
    url = request.getfixturevalue(kind).url(name)
    with open_scratch(ask(url, place, scratch_url=server_url)):
        assert name in names(server_url, place)
    with open_scratch(ask(server_url, place, scratch_url=server_url)):
        assert name not in names(server_url, place), "for another environment it is a forgotten one"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_connection_that_leads_to_the_environments_server_is_refused(
    kind: str, request: pytest.FixtureRequest, place: Path
) -> None:
    own = Database(request.getfixturevalue(f"{kind}_url"), root=place)
    other = Database(request.getfixturevalue(kind).create_database(), root=place)
    with own.session() as holding, other.session() as session:
        challenge = publish_challenge(own, holding)
        with pytest.raises(ScratchError, match="own server"):
            refuse_own_server(session, challenge)
        with pytest.raises(ScratchError, match="own database"):
            refuse_own_database(own, challenge)
        refuse_own_database(other, challenge)


def test_a_server_of_another_kind_is_refused(
    postgres_url: str, mariadb_url: str, place: Path
) -> None:
    request = ask(postgres_url, place, scratch_url=mariadb_url)
    with pytest.raises(ConfigError, match="scratch_url"), open_scratch(request):
        raise AssertionError


@pytest.mark.newest
def test_a_role_that_may_not_create_databases_is_told_so(
    postgres: PostgresServer, postgres_url: str, place: Path
) -> None:
    postgres.create_role("plain", "plain-password")
    poor = postgres.tcp_url("postgres", role="plain", password="plain-password")
    request = ask(postgres_url, place, scratch_url=poor)
    with pytest.raises(ScratchError, match="permission denied") as caught, open_scratch(request):
        raise AssertionError
    assert "CREATEDB" in (caught.value.next_step or "")
