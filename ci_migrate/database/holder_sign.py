"""How a holder of the lock names itself to those who wait for it, on servers that keep no such note."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ci_migrate.database.cancel import cancel_statement
from ci_migrate.database.engine import Database, Session
from ci_migrate.database.lock_statements import MARK, clean_comment
from ci_migrate.errors import CiMigrateError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

SHOW_SECONDS = 2
"""How long the sign outlives a run that is killed, at most."""
END_SECONDS = 3.0


def say_holder(owner: str) -> str:
    """Return who holds the lock, and since when: since now."""
    return f"{owner}, since {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC"


@contextmanager
def shown_holder(database: Database, session: Session, owner: str) -> Iterator[str]:
    """Show who holds the lock, and yield what each statement of `session`, which holds it, must begin with.

    PostgreSQL shows the last statement of a session that is idle, so its comment is enough. MariaDB and MySQL show
    only what runs: there a second session sleeps, with the comment in its statement.
    """
    holder = clean_comment(say_holder(owner))
    if database.dialect == "postgresql":
        yield f"/* {MARK}: {holder} */ "
        return
    number = session.run(_connection_number)
    over, sleeper = threading.Event(), list[int]()
    statement = f"/* {MARK} {number}: {holder} */ SELECT SLEEP({SHOW_SECONDS})"
    thread = threading.Thread(
        target=_sleep, args=(database, statement, sleeper, over), name="holder", daemon=True
    )
    thread.start()
    try:
        yield ""
    finally:
        over.set()
        for asleep in sleeper:
            cancel_statement(database, asleep)
        thread.join(timeout=END_SECONDS)


def _sleep(database: Database, statement: str, sleeper: list[int], over: threading.Event) -> None:
    try:
        with database.session() as session:
            sleeper.append(session.run(_connection_number))
            while not over.is_set():
                session.run(lambda c: c.exec_driver_sql(statement).close())
    except CiMigrateError:
        # Woken because the lock is given back; or the server is gone, and nobody can ask it any more.
        return


def _connection_number(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar() or 0)
