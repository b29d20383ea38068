"""Scratch databases on a server that the configuration names in `scratch_url`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ci_migrate.database.challenge import Challenge
from ci_migrate.database.databases import (
    drop_database,
    find_challenged,
    hold_name,
    list_databases,
)
from ci_migrate.database.dress import apply_settings, create_like
from ci_migrate.database.engine import Database, Session
from ci_migrate.database.other_url import url_of_database
from ci_migrate.database.patience import ask_within
from ci_migrate.database.pooler import refuse_pooler
from ci_migrate.database.traits import Traits
from ci_migrate.errors import CiMigrateError, ConfigError, DatabaseFailedError, ScratchError
from ci_migrate.scratch.name import is_forgotten, scratch_name
from ci_migrate.scratch.request import Scratch, ScratchRequest
from ci_migrate.stops import held_stops

DROP_SECONDS = 20.0


@contextmanager
def database_on_given_server(
    request: ScratchRequest, traits: Traits, challenge: Challenge
) -> Iterator[Scratch]:
    """Yield an empty database on the server of `scratch_url`, dropped on leaving.

    Drops those that killed runs left there first. Raises ScratchError, and ConfigError for a server of
    another kind or behind a pooler.
    """
    assert request.scratch_url is not None  # noqa: S101 - the caller's choice
    server = Database(request.scratch_url, root=request.root, name="ci-migrate scratch")
    if server.dialect != traits.dialect:
        raise ConfigError(
            f"`scratch_url` names a {server.dialect} server, but the environment's is {traits.dialect}",
            next_step="Name a server of the same kind, or leave `scratch_url` out.",
        )
    with server.session() as session:
        if server.dialect == "postgresql":
            session.run(refuse_pooler)
        own = find_challenged(session, challenge)
        _sweep(session, request, server.dialect, own)
        name = _create(session, server, request, traits)
        try:
            yield _scratch(request, server, name)
        finally:
            with held_stops():
                _drop(server, name, own, request)


def _create(session: Session, server: Database, request: ScratchRequest, traits: Traits) -> str:
    name = scratch_name(request.environment, request.run_id, request.now())
    if not hold_name(session, server.dialect, name):
        raise ScratchError(f"another run holds the name {name}", next_step="Run this again.")
    try:
        difference = create_like(session, name, traits)
    except DatabaseFailedError as exc:
        raise ScratchError(
            f"no scratch database could be created: {exc.message}",
            next_step="Give the role in `scratch_url` the right to create databases (PostgreSQL: ALTER ROLE"
            " … CREATEDB; MariaDB: GRANT ALL ON `ci\\_migrate\\_scratch\\_%`.* TO …).",
        ) from exc
    for text in (difference, *apply_settings(session, name, traits)):
        if text:
            request.warn(f"the scratch database is not quite like the environment's: {text}")
    return name


def _scratch(request: ScratchRequest, server: Database, name: str) -> Scratch:
    assert request.scratch_url is not None  # noqa: S101 - the caller's choice
    url = url_of_database(request.scratch_url, root=request.root, database=name, like=request.url)
    database = Database(url, root=request.root, name="ci-migrate scratch")
    address = server.address
    host = address.host or address.socket or "localhost"
    return Scratch(url=url, database=database, where=f"database {name} on {host}", is_private=False)


def _sweep(session: Session, request: ScratchRequest, dialect: str, own: str | None) -> None:
    for name in list_databases(session, dialect):
        if not is_forgotten(name, request.now()) or _is_same(name, own):
            continue
        if hold_name(session, dialect, name):  # nobody lives who does
            drop_database(session, dialect, name)


def _drop(server: Database, name: str, own: str | None, request: ScratchRequest) -> None:
    if _is_same(name, own):
        raise ScratchError(f"{name} is the environment's own database and is not dropped")
    try:
        ask_within(DROP_SECONDS, lambda: _drop_anew(server, name))
    except CiMigrateError as exc:
        # A later run sweeps it; what happened before is the news.
        request.warn(f"the scratch database {name} could not be dropped yet: {exc.message}")


def _drop_anew(server: Database, name: str) -> None:
    with server.session() as session:
        drop_database(session, server.dialect, name)


def _is_same(name: str, own: str | None) -> bool:
    return own is not None and name.casefold() == own.casefold()
