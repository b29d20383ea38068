"""The parent's own connections, through whichever driver the project has, also an async one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ci_migrate.database.address import DatabaseAddress
from ci_migrate.database.driver_thread import DriverThread, LoopThread
from ci_migrate.database.url import DRIVERS, address_of, dialect_of, parse_url, spell_url
from ci_migrate.errors import ConfigError, DatabaseFailedError, DatabaseUnreachableError
from ci_migrate.redact import Redactor, one_line, secrets_of_url, without_row_data

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

T = TypeVar("T")
CONNECT_TIMEOUT = 10
"""Seconds to wait for a server that does not answer."""
LONGEST_CONNECT = CONNECT_TIMEOUT + 2.0
"""For drivers that know no limit once the server has taken the connection."""
ANSWER_TIMEOUT = 60.0


class Session:
    """One open connection; `run` hands it to a function, wherever its driver lives."""

    def __init__(
        self, call: Callable[[Callable[[Connection], Any]], Any], name: Callable[[str], str]
    ) -> None:
        self._call = call
        self._name = name

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns for this connection.

        Raises DatabaseFailedError when a statement fails or the connection is lost.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            result: T = self._call(work)
        except (SQLAlchemyError, OSError) as exc:
            reason = without_row_data(str(getattr(exc, "orig", None) or exc))
            raise DatabaseFailedError(self._name(reason)) from exc
        return result

    def scalar(self, statement: str) -> Any:
        """Return the first value of a statement's first row; None without a row. Raises as `run` does."""
        return self.run(lambda connection: connection.exec_driver_sql(statement).scalar())


class Database:
    """A database as its URL names it; every connection is opened anew (no pool)."""

    def __init__(
        self,
        url: str,
        *,
        root: Path,
        name: str = "ci-migrate",
        answer_timeout: float = ANSWER_TIMEOUT,
        setting: str = "",
    ) -> None:
        """Read the URL and find its driver; nothing is connected yet.

        `name` is shown to others on the server (PostgreSQL `application_name`). `answer_timeout` is in seconds:
        a server that lets one of our questions wait for longer counts as lost; 0 waits for ever. `setting` is the
        key of the configuration that holds the URL, where it is not the environment's own.
        Raises ConfigError when the URL is unusable or no driver for it is installed.
        """
        self._url = parse_url(url, root=root)
        self._name, self._setting = name[:63], setting
        self._patience = (answer_timeout or None) if self.dialect != "sqlite" else None
        self._redactor = Redactor(secrets_of_url(url) + secrets_of_url(spell_url(self._url)))
        self._url, self._engine, self._loop = _create_engine(self._url)

    @property
    def dialect(self) -> str:
        """`postgresql`, `mysql` (also MariaDB) or `sqlite`."""
        return dialect_of(self._url)

    @property
    def address(self) -> DatabaseAddress:
        """The parts of the URL."""
        return address_of(self._url)

    @property
    def worker_url(self) -> str:
        """The URL with a driver that is installed and, for SQLite, an absolute path."""
        return spell_url(self._url)

    @property
    def label(self) -> str:
        """How the database is named to people: no user, no password."""
        address = self.address
        if self.dialect == "sqlite":
            return address.database
        return f"{address.database} on {address.host or address.socket or 'localhost'}"

    @property
    def is_missing_file(self) -> bool:
        """Whether this is a SQLite database whose file does not exist yet."""
        return self.dialect == "sqlite" and not Path(self.address.database).exists()

    def require_folder(self) -> None:
        """Raise DatabaseUnreachableError when a SQLite file could not be made because its folder is missing."""
        folder = Path(self.address.database).parent
        if not folder.is_dir():
            raise DatabaseUnreachableError(
                f"cannot open {self.label}: there is no folder {folder}",
                next_step="Correct the URL, or make the folder: a new database is made in it, the folder is not.",
            )

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns for a fresh connection in autocommit mode."""
        with self.session() as session:
            return session.run(work)

    def run_in_transaction(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns for a fresh connection; all of it is committed, or nothing."""
        with self.session(autocommit=False) as session:

            def committed(connection: Connection) -> T:
                with connection.begin():
                    return work(connection)

            return session.run(committed)

    @contextmanager
    def session(self, *, autocommit: bool = True, is_watched: bool = False) -> Iterator[Session]:
        """Open one connection and close it at the end.

        `is_watched`: something else asks whether the server is alive, so its answers may take any time.
        Raises DatabaseUnreachableError when the server refuses or does not answer.
        """
        with self._opened(None if is_watched else self._patience) as session:
            options = {"isolation_level": "AUTOCOMMIT"} if autocommit else {}
            session.run(lambda connection: connection.execution_options(**options))
            if self.dialect == "postgresql":
                session.run(self._set_application_name)
            yield session

    @contextmanager
    def _opened(self, patience: float | None) -> Iterator[Session]:
        opened: list[Connection] = []
        if self._loop is None:
            thread, connect = DriverThread(), self._engine.connect
            try:
                self._connect(
                    lambda: thread.call(lambda: opened.append(connect()), LONGEST_CONNECT)
                )
                connection = opened[0]
                yield Session(
                    lambda work: thread.call(lambda: work(connection), patience), self._explain
                )
            finally:
                # What a stop has left to connect for itself is closed, too, if it ever comes about.
                thread.end(lambda: _close(opened))
            return
        loop, engine = self._loop, self._engine
        found = self._connect(lambda: loop.call(engine.connect().start()))
        try:
            yield Session(lambda work: loop.call(found.run_sync(work), patience), self._explain)
        finally:
            loop.end(found.close())

    def _explain(self, reason: str) -> str:
        return f"{self.label}: {one_line(self._redactor.clean(reason), 500)}"

    def _connect(self, connect: Callable[[], T]) -> T:
        try:
            return connect()
        except Exception as exc:  # drivers raise OSError and classes of their own here
            reason = one_line(
                self._redactor.clean(without_row_data(str(getattr(exc, "orig", exc))))
            )
            raise DatabaseUnreachableError(
                f"cannot connect to {self.label}{self._setting and f' (`{self._setting}`)'}: {reason}",
                next_step=f"Check that {f'`{self._setting}`' if self._setting else 'the URL'} names the right host,"
                " database and role, and that this machine may reach it.",
            ) from exc

    def _set_application_name(self, connection: Connection) -> None:
        from sqlalchemy import text

        with connection.begin():
            connection.execute(
                text("SELECT set_config('application_name', :name, false)"), {"name": self._name}
            )


def _close(connections: list[Connection]) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    for connection in connections:
        # One that is broken already is closed by that; what it had to say was said to whoever used it.
        with suppress(SQLAlchemyError, OSError):
            connection.close()


def _create_engine(url: URL) -> tuple[URL, Any, LoopThread | None]:
    from sqlalchemy.exc import NoSuchModuleError

    dialect = dialect_of(url)
    spellings = [url]
    if "+" not in url.drivername:
        spellings += [url.set(drivername=f"{url.drivername}+{name}") for name in DRIVERS[dialect]]
    for spelling in spellings:
        try:
            return spelling, *_create_engine_of(spelling)
        except (ModuleNotFoundError, NoSuchModuleError):
            continue
    raise ConfigError(
        f"no driver for {url.drivername!r} is installed in this Python environment",
        next_step="Install the driver that the project uses, for example "
        + {"postgresql": "psycopg[binary]", "mysql": "pymysql", "sqlite": "aiosqlite"}[dialect]
        + ".",
    )


def _create_engine_of(url: URL) -> tuple[Engine | Any, LoopThread | None]:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    driver = url.get_dialect().driver
    arguments: dict[str, Any] = {"poolclass": NullPool, "connect_args": _connect_arguments(url)}
    if getattr(url.get_dialect(), "is_async", False):
        from sqlalchemy.ext.asyncio import create_async_engine

        return create_async_engine(url, **arguments), LoopThread()
    if driver == "pysqlite":
        arguments["connect_args"]["check_same_thread"] = False
    return create_engine(url, future=True, **arguments), None


def _connect_arguments(url: URL) -> dict[str, Any]:
    driver = url.get_dialect().driver
    if driver in {"psycopg", "psycopg2"} and "connect_timeout" not in url.query:
        return {"connect_timeout": CONNECT_TIMEOUT}
    if driver == "asyncpg":
        return {"timeout": CONNECT_TIMEOUT, **_asyncpg_names()}
    return {}


def _asyncpg_names() -> dict[str, Any]:
    """Return what keeps our prepared statements from meeting those of others behind a pooler."""
    from sqlalchemy import __version__

    if __version__.startswith("1."):
        return {}
    return {
        "statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"ci_migrate_{uuid.uuid4().hex}",
    }
