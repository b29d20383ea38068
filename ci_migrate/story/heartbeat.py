"""Asks the server for a sign of life while a run works on it, and stops the run when there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ci_migrate.database.engine import Database
from ci_migrate.database.refusal import is_refusal
from ci_migrate.errors import CiMigrateError, SilentServerError
from ci_migrate.stops import stop_because

LONGEST_PAUSE = 5.0
"""Seconds between two questions."""


@contextmanager
def watch_server(database: Database, answer_timeout: float) -> Iterator[None]:
    """Stop the run, from a thread, when the server has not answered for `answer_timeout` seconds (0: never).

    A backup or a statement may take as long as it wants, as long as the server answers others. SQLite has no
    server.
    """
    if database.dialect == "sqlite" or not answer_timeout:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(
        target=_ask_until, args=(over, database, answer_timeout), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()


def _ask_until(over: threading.Event, database: Database, answer_timeout: float) -> None:
    answered = time.monotonic()
    pause = min(LONGEST_PAUSE, answer_timeout / 4)
    while not over.wait(pause):
        try:
            with database.session() as session:
                # Asked for as long as the connection holds, then anew.
                while not over.wait(pause):
                    session.run(lambda connection: connection.exec_driver_sql("SELECT 1").close())
                    answered = time.monotonic()
        except CiMigrateError as exc:
            if is_refusal(exc):
                answered = time.monotonic()  # to say no is a sign of life
            silent = time.monotonic() - answered
            if silent >= answer_timeout and not over.is_set():
                stop_because(_silence(database, silent, exc))
                return


def _silence(database: Database, seconds: float, last: CiMigrateError) -> SilentServerError:
    return SilentServerError(
        f"the server of {database.label} has given no sign of life for {seconds:.0f} s ({last.message})",
        next_step="See to the server and the network, then start this again: it names the state that it finds.",
    )
