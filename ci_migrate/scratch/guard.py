"""Proof that what is about to be used as a scratch database is not the environment's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ci_migrate.database.challenge import Challenge, answer_challenge
from ci_migrate.database.databases import find_challenged
from ci_migrate.database.engine import Database, Session
from ci_migrate.database.identity import publish_challenge
from ci_migrate.errors import ScratchError


@contextmanager
def challenge_of(database: Database) -> Iterator[Challenge]:
    """Yield a challenge that only the environment's own database can answer."""
    with database.session() as session:
        yield publish_challenge(database, session)


def refuse_own_server(session: Session, challenge: Challenge) -> None:
    """Raise ScratchError when a session to a private server is in truth one to the environment's."""
    name = find_challenged(session, challenge)
    if name is not None:
        raise ScratchError(
            "the connection to a private server leads to the environment's own server instead"
            f" (database {name}); nothing was changed there",
            next_step="A variable such as PGHOSTADDR overrules the URL: take it out of the environment.",
        )


def refuse_own_database(scratch: Database, challenge: Challenge) -> None:
    """Raise ScratchError when a scratch database is in truth the environment's own."""
    if scratch.run(lambda connection: answer_challenge(connection, challenge)):
        raise ScratchError(
            f"the scratch database {scratch.label} is the environment's own database; nothing was changed",
            next_step="Name another server in `scratch_url`, or leave it out.",
        )
