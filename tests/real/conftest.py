"""The databases and working directories of a real project: one for ci-migrate, one for the project's own tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.real.catalog import RealProject
from tests.real.installing import Installation, installed
from tests.real.running import Workplace, make_workplace
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer

MakeWorkplace = Callable[..., Workplace]


@pytest.fixture
def install() -> Iterator[Callable[[RealProject], Installation]]:
    """Install a project, and keep its environment for this test."""
    done: dict[str, Installation] = {}
    with ExitStack() as stack:

        def install_once(project: RealProject) -> Installation:
            if project.name not in done:
                place = installed(project.name, project.folder / "requirements.txt")
                done[project.name] = stack.enter_context(place)
            return done[project.name]

        yield install_once


@pytest.fixture
def make(
    install: Callable[[RealProject], Installation],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> MakeWorkplace:
    """Make a working directory with an empty database of a dialect."""

    def make_one(project: RealProject, dialect: str, name: str) -> Workplace:
        scheme = project.schemes[dialect]
        if dialect == "sqlite":
            url = f"sqlite:///{tmp_path / name}.sqlite"
        elif dialect == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            url = server.create_database()
            if "{password}" in project.env.values():
                url = server.tcp_url(url.partition("?")[0].rpartition("/")[2])
        else:
            mariadb: MariadbServer = request.getfixturevalue("mariadb")
            url = mariadb.create_database()
        url = f"{scheme}://{url.partition('://')[2]}"
        return make_workplace(project, install(project), tmp_path / name, url)

    return make_one
