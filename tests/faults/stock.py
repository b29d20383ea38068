"""The databases of the fault tests: what is in them, who is connected, and whether they are free."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tests.faults.shop import TABLES

FREE_SECONDS = 5.0
_JOURNAL = {
    "postgresql": "CREATE TABLE journal (id serial PRIMARY KEY, what text)",
    "mysql": "CREATE TABLE journal (id int AUTO_INCREMENT PRIMARY KEY, what varchar(20))",
    "sqlite": "CREATE TABLE journal (id integer PRIMARY KEY, what text)",
}
_SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
_WAITS = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'",
    "mysql": "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE()"
    " AND state = 'Waiting for table metadata lock'",
}


@dataclass(frozen=True, kw_only=True)
class Stock:
    """One database with a table `journal` to which every revision adds one row each time that it runs."""

    name: str
    """As the table of faults names it."""
    url: str
    """What ci-migrate is given."""
    own_url: str
    """For the test's own connections, with a driver that is not async."""

    @property
    def dialect(self) -> str:
        return sa.engine.make_url(self.own_url).get_backend_name()

    @property
    def is_atomic(self) -> bool:
        """Whether a revision that is cut off leaves nothing behind."""
        return self.dialect == "postgresql"

    @property
    def file(self) -> str:
        """The file of a SQLite database."""
        return str(sa.engine.make_url(self.own_url).database)

    def prepare(self) -> Stock:
        """Create the journal and three rows that were there before."""
        self.execute(_JOURNAL[self.dialect], *["INSERT INTO journal (what) VALUES ('before')"] * 3)
        return self

    @contextmanager
    def connect(self) -> Iterator[sa.engine.Connection]:
        """Open a connection of the test's own; what it does is committed at the end."""
        engine = sa.create_engine(self.own_url, poolclass=NullPool)
        with engine.begin() as connection:
            yield connection

    def execute(self, *statements: str) -> None:
        """Run statements and commit them."""
        with self.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def tables(self) -> set[str]:
        """Return the names of the tables of the project that are there."""
        engine = sa.create_engine(self.own_url, poolclass=NullPool)
        with engine.connect() as connection:
            names = set(sa.inspect(connection).get_table_names())
        return names & {table for table, _ in TABLES.values()}

    def tables_of(self, revision: str) -> set[str]:
        """Return the tables of a revision that are there."""
        return self.tables() & {TABLES[revision][0]}

    def version(self) -> str | None:
        """Return the version row."""
        if not sa.inspect(sa.create_engine(self.own_url, poolclass=NullPool)).has_table(
            "alembic_version"
        ):
            return None
        rows = self.query("SELECT version_num FROM alembic_version")
        assert len(rows) <= 1
        return str(rows[0][0]) if rows else None

    def journal(self) -> list[str]:
        """Return which revisions have run, one entry each time, and what was there before."""
        return [str(row[0]) for row in self.query("SELECT what FROM journal ORDER BY id")]

    def run_outcomes(self) -> list[str]:
        """Return the outcome of every run in the ledger."""
        schema = "ci_migrate" if self.is_atomic else None
        inspector = sa.inspect(sa.create_engine(self.own_url, poolclass=NullPool))
        if not inspector.has_table("ci_migrate_ledger", schema=schema):
            return []
        table = "ci_migrate.ci_migrate_ledger" if self.is_atomic else "ci_migrate_ledger"
        return [
            row[0]
            for row in self.query(f"SELECT outcome FROM {table} WHERE kind = 'run' ORDER BY id")
        ]

    def evidence(self) -> list[str]:
        """Return the revisions that the ledger says were executed by a run."""
        table = "ci_migrate.ci_migrate_ledger" if self.is_atomic else "ci_migrate_ledger"
        if not sa.inspect(sa.create_engine(self.own_url, poolclass=NullPool)).has_table(
            "ci_migrate_ledger", schema="ci_migrate" if self.is_atomic else None
        ):
            return []
        statement = f"SELECT revision FROM {table} WHERE kind = 'revision' AND outcome = 'executed'"
        return [str(row[0]) for row in self.query(f"{statement} ORDER BY id")]

    def count_lost(self) -> int:
        """Return how many rows are missing or there twice in a database at head."""
        journal = self.journal()
        wrong = abs(journal.count("before") - 3)
        wrong += sum(abs(journal.count(revision) - 1) for revision in TABLES)
        for table, rows in TABLES.values():
            wrong += abs(self.query(f"SELECT count(*) FROM {table}")[0][0] - rows)
        return wrong

    def check_free(self, seconds: float = FREE_SECONDS) -> None:
        """Fail unless nobody is connected any more, or on SQLite nobody holds the file."""
        if self.dialect == "sqlite":
            self.execute("CREATE TABLE free_to_write (id integer)", "DROP TABLE free_to_write")
            return
        wait_until(
            lambda: self.query(_SESSIONS[self.dialect]) == [(0,)], seconds, "sessions to end"
        )


def wait_until(is_so: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something that will be so soon, or fail."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def waits_for_lock(stock: Stock) -> bool:
    """Return whether a session of this database waits for a table that another one holds."""
    return bool(stock.query(_WAITS[stock.dialect]))


def program_of(pid: int) -> str:
    """Return the name of what a process runs; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
    except OSError:
        return ""


def processes_with(variable: str, value: str) -> list[int]:
    """Return the processes that have a variable in their environment, as /proc tells."""
    wanted, found = f"{variable}={value}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
            state = (entry / "stat").read_bytes().rpartition(b")")[2].split()[0]
        except OSError:
            continue  # it has just ended
        if wanted in variables and state != b"Z" and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found
