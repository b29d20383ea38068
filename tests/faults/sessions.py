"""Other people's sessions: transactions that stay open, and statements that wait."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.faults.stock import Stock

READ_JOURNAL = "SELECT * FROM journal"
HOLD_JOURNAL = {
    "postgresql": "LOCK TABLE journal IN ACCESS EXCLUSIVE MODE",
    "mysql": "SELECT * FROM journal FOR UPDATE",
}
"""Keeps others from writing to the table."""
HOLD_FILE = "BEGIN IMMEDIATE"
"""Keeps others from writing to a SQLite database."""
_NUMBER = {
    "sqlite": "SELECT 0",
    "postgresql": "SELECT pg_backend_pid()",
    "mysql": "SELECT CONNECTION_ID()",
}


def engine_of(stock: Stock, name: str) -> sa.engine.Engine:
    """Return an engine of the test's own; PostgreSQL shows its `name` to others."""
    url = sa.engine.make_url(stock.own_url)
    if stock.dialect == "postgresql":
        url = url.update_query_dict({"application_name": name})
    return sa.create_engine(url, poolclass=NullPool)


@contextmanager
def transaction(stock: Stock, *statements: str, name: str = "psql of Ada") -> Iterator[str]:
    """Run statements in a transaction that stays open, and yield the number of its session."""
    with engine_of(stock, name).connect() as connection:
        # SQLAlchemy 1.4 would commit each statement by itself.
        begun = connection.begin()
        number = str(connection.exec_driver_sql(_NUMBER[stock.dialect]).scalar())
        for statement in statements:
            connection.exec_driver_sql(statement).close()
        yield number
        with contextlib.suppress(SQLAlchemyError):  # the test may have ended the session
            begun.rollback()


def start_waiting(stock: Stock, statement: str) -> threading.Thread:
    """Run a statement that waits for somebody else in a thread; join it when that one is gone."""

    def run() -> None:
        with contextlib.suppress(SQLAlchemyError):  # given up by the server
            stock.execute(statement)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
