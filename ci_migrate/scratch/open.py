"""An empty database like the environment's, for as long as a context lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci_migrate.database.challenge import Challenge
from ci_migrate.database.dress import apply_settings, create_accounts, create_like
from ci_migrate.database.engine import Database, Session
from ci_migrate.database.other_url import url_of_file, url_on_socket
from ci_migrate.database.traits import Traits, find_missing_extensions, read_traits
from ci_migrate.errors import DatabaseFailedError, ScratchError
from ci_migrate.scratch import mariadb_server, postgres_server
from ci_migrate.scratch.folder import held_folder
from ci_migrate.scratch.given_server import database_on_given_server
from ci_migrate.scratch.guard import challenge_of, refuse_own_database, refuse_own_server
from ci_migrate.scratch.private_server import Recipe, private_server, wait_until_ready
from ci_migrate.scratch.request import Scratch, ScratchRequest

_TAKEN_NAMES = {"postgres", "template0", "template1"}


@contextmanager
def open_scratch(request: ScratchRequest) -> Iterator[Scratch]:
    """Yield an empty database like the environment's, proved to be another one; it is gone on leaving.

    On the server of `scratch_url`, else on a private one; for SQLite a file in a private folder. What is
    left of runs that were killed is swept first. Raises ScratchError and ConfigError.
    """
    if request.like.dialect == "sqlite":
        with held_folder(request.environment, request.run_id, request.now(), request.env) as folder:
            yield _scratch_file(request, folder)
        return
    traits = read_traits(request.like)
    way = database_on_given_server if request.scratch_url else _database_on_private_server
    with challenge_of(request.like) as challenge, way(request, traits, challenge) as scratch:
        refuse_own_database(scratch.database, challenge)
        missing = find_missing_extensions(scratch.database, traits.extensions)
        if missing:
            raise ScratchError(
                f"{scratch.where} does not have the extension {', '.join(missing)}",
                next_step="Install it there, or name a server that has it in `scratch_url`.",
            )
        yield scratch


def _scratch_file(request: ScratchRequest, folder: Path) -> Scratch:
    path = folder / (Path(request.like.address.database).name or "database")
    url = url_of_file(request.url, path)
    return Scratch(
        url=url,
        database=Database(url, root=request.root),
        where="a temporary SQLite file",
        is_private=True,
    )


@contextmanager
def _database_on_private_server(
    request: ScratchRequest, traits: Traits, challenge: Challenge
) -> Iterator[Scratch]:
    recipe, superuser, first = _choose(traits, request)
    with private_server(recipe, request) as folder:
        server = _connect(request, folder, superuser, first)
        wait_until_ready(recipe, folder, server)
        # The project may name its database or its role, so both are called as in the environment.
        name = "scratch" if traits.database in _TAKEN_NAMES else traits.database
        with server.session() as session:
            refuse_own_server(session, challenge)
            _fill_server(session, name, traits, request)
        user = traits.user if traits.dialect == "postgresql" else superuser
        url = _url(request, folder, user, name)
        yield Scratch(
            url=url,
            database=Database(url, root=request.root, name="ci-migrate scratch"),
            where=f"a private {recipe.name}",
            is_private=True,
        )


def _choose(traits: Traits, request: ScratchRequest) -> tuple[Recipe, str, str]:
    """Return the server's recipe, its superuser, and a database that it has from the start."""
    if traits.dialect == "mysql":
        recipe = mariadb_server.mariadb_recipe(traits, request.env)
        return recipe, mariadb_server.SUPERUSER, "mysql"
    installed = postgres_server.choose_postgres(traits, request.env)
    if installed.numbers[0] != traits.major:
        request.warn(
            f"the private server is PostgreSQL {installed.version}, the environment's is {traits.version}"
        )
    return postgres_server.postgres_recipe(installed), postgres_server.SUPERUSER, "postgres"


def _fill_server(session: Session, name: str, traits: Traits, request: ScratchRequest) -> None:
    problems = create_accounts(session, traits)
    try:
        difference = create_like(session, name, traits)
    except DatabaseFailedError as exc:
        raise ScratchError(
            f"no scratch database could be created on a private server: {exc.message}",
            next_step="Name a server where databases may be created in `scratch_url`.",
        ) from exc
    for text in (difference, *problems, *apply_settings(session, name, traits)):
        if text:
            request.warn(f"the private server is not quite like the environment's: {text}")


def _connect(request: ScratchRequest, folder: Path, user: str, database: str) -> Database:
    url = _url(request, folder, user, database)
    return Database(url, root=request.root, name="ci-migrate scratch")


def _url(request: ScratchRequest, folder: Path, user: str, database: str) -> str:
    socket = folder / "s" if request.like.dialect == "mysql" else folder
    return url_on_socket(
        request.url, root=request.root, user=user, database=database, socket=socket
    )
