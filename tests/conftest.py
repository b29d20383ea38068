"""Booby traps, and the databases and the Slack that the tests talk to."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import traps
from tests.servers import mariadb as mariadb_programs
from tests.servers import object_store as object_store_programs
from tests.servers import postgres as postgres_programs
from tests.servers.azure import AzureServer, find_azurite
from tests.servers.github import GitHubServer
from tests.servers.mariadb import MariadbServer
from tests.servers.object_store import ObjectStoreServer
from tests.servers.postgres import PostgresServer
from tests.servers.rds import RdsServer
from tests.servers.slack import SlackServer

IS_CI = os.environ.get("CI") == "true"
POSTGRES = postgres_programs.find_postgres(os.environ)
MARIADB = mariadb_programs.find_mariadb(os.environ.get("PATH", os.defpath))
AZURITE = find_azurite(os.environ)
SQLALCHEMY = importlib.metadata.version("sqlalchemy")
POSTGRES_DRIVER = "psycopg2" if SQLALCHEMY.startswith("1.") else "psycopg"

# A slow machine is not a failing test. `make test-slow` looks for longer.
settings.register_profile("ci-migrate", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=400)
settings.load_profile("ci-migrate")
# In a fresh virtual environment every process would compile SQLAlchemy anew: half of the time of all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
sys.addaudithook(traps.refuse_network)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers that the hook below is for."""
    config.addinivalue_line(
        "markers", "newest: left out on SQLAlchemy 1, where it would show nothing else"
    )
    config.addinivalue_line("markers", "slow_on(kind, …): slow on these kinds of databases")


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is slow on one kind of database; leave out, on the oldest, what does not depend on versions."""
    for item in items:
        kinds = [kind for mark in item.iter_markers("slow_on") for kind in mark.args]
        call = getattr(item, "callspec", None)
        if call is not None and any(kind in call.params.values() for kind in kinds):
            item.add_marker(pytest.mark.slow)
    if not SQLALCHEMY.startswith("1."):
        return
    left_out = [item for item in items if depends_on_no_version(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def depends_on_no_version(item: pytest.Item) -> bool:
    """Return whether a test has the mark, or feeds random values to code of our own."""
    is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return is_property or item.get_closest_marker("newest") is not None


def pytest_report_header() -> list[str]:
    """Name the versions that decide how a test goes."""
    postgres = f"{postgres_programs.read_version(POSTGRES)} ({POSTGRES})" if POSTGRES else "missing"
    mariadb = f"{mariadb_programs.read_version(MARIADB)} ({MARIADB})" if MARIADB else "missing"
    versions = [f"Python {platform.python_version()}", f"SQLAlchemy {SQLALCHEMY}"]
    versions += [
        f"{name} {importlib.metadata.version(name)}" for name in ("alembic", "flask-migrate")
    ]
    return [f"PostgreSQL: {postgres}", f"MariaDB: {mariadb}", ", ".join(versions)]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tests' homes (pytest's own `mktemp` looks through all that it made before)."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def clean_environment(homes: Path) -> Iterator[None]:
    """Give every test an empty home and no ambient settings, and see that it puts the working directory back."""
    before = Path.cwd()
    # A MonkeyPatch of its own, because the one of the test has to be undone before the check below.
    with pytest.MonkeyPatch.context() as patch:
        for name in traps.find_ambient(os.environ):
            patch.delenv(name)
        home = tempfile.mkdtemp(prefix="home-", dir=homes)
        for name, value in traps.make_identity(home).items():
            patch.setenv(name, value)
        yield
    assert Path.cwd() == before, "the test changed the working directory and left it so"


def without_server(name: str) -> None:
    """Skip, but never in CI: there nobody would notice."""
    reason = f"{name} is not installed here; see tests/README.md"
    if IS_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process."""
    if POSTGRES is None:
        without_server("PostgreSQL")
        return
    server = PostgresServer(POSTGRES, driver=POSTGRES_DRIVER)
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database; gone after the test, whoever is still connected."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url.partition("?")[0].rpartition("/")[2])


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbServer]:
    """A MariaDB server of this test process."""
    if MARIADB is None:
        without_server("MariaDB")
        return
    server = MariadbServer(MARIADB)
    yield server
    server.stop()


@pytest.fixture
def mariadb_url(mariadb: MariadbServer) -> str:
    """An empty MariaDB database."""
    return mariadb.create_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database whose file does not exist yet."""
    return f"sqlite:///{tmp_path / 'database.sqlite'}"


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def either_url(request: pytest.FixtureRequest) -> str:
    """An empty database on SQLite, and once more on PostgreSQL, which is for the slow suite."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStoreServer]:
    """An S3 server of this test process, with a bucket `backups`."""
    program = object_store_programs.find_seaweed()
    if program is None:
        without_server("SeaweedFS")
        return
    server = ObjectStoreServer(program)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rds_server() -> Iterator[RdsServer]:
    """An RDS of this test process."""
    if importlib.util.find_spec("moto") is None:
        without_server("moto")
        return
    server = RdsServer()
    yield server
    server.stop()


@pytest.fixture
def rds(rds_server: RdsServer) -> RdsServer:
    """An RDS with nothing in it, where nobody has to log in."""
    rds_server.reset()
    return rds_server


@pytest.fixture(scope="session")
def azure() -> Iterator[AzureServer]:
    """Azure's blob storage with a container `backups`; in no lock file, so it may be missing everywhere."""
    if AZURITE is None:
        pytest.skip("azurite is not installed here; see tests/README.md")
    server = AzureServer(AZURITE)
    yield server
    server.stop()


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A Slack webhook; a message that Slack would refuse fails the test that sent it."""
    server = SlackServer()
    yield server
    server.stop()
    assert server.problems == [], "Slack would have refused a message"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """A GitHub API; a request that GitHub would refuse by its form fails the test that sent it."""
    server = GitHubServer()
    yield server
    server.stop()
    assert server.problems == [], "GitHub would not have taken a request, or not answered so"
