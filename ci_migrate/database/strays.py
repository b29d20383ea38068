"""Sessions of the project that the server still works for, although their client has ended or is to end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.database.engine import Database, Session
from ci_migrate.errors import CiMigrateError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

POLL_SECONDS = 0.1
# PostgreSQL: what carries the project's name is the project's. The application may use the same role, so nothing else
# can be told from it. MariaDB and MySQL know no name: what writes, of the same role, in a session opened since.
_WORKING = {
    "postgresql": """
        SELECT pid, '', query FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
          AND state IS DISTINCT FROM 'idle' AND (pid = {number} OR application_name = {sign})""",
    "mysql": """
        SELECT id, CASE WHEN id = {number} THEN '' ELSE COALESCE(info, '') END, NULL
        FROM information_schema.processlist
        WHERE id <> CONNECTION_ID()
          AND (id = {number} OR (id > {since} AND db = DATABASE() AND command IN ('Query', 'Execute')
               AND user = SUBSTRING_INDEX(USER(), '@', 1)
               AND info NOT RLIKE
                   '^[[:space:]]*(SELECT|SHOW|EXPLAIN|DESC|COMMIT|KILL|SET (?!STATEMENT)|/[*] ci-migrate)'))""",
}
_OF_THE_PROJECT = """
    FROM pg_stat_activity WHERE datname = current_database() AND application_name = {sign} AND state = 'active'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """How the project's sessions are told from those of others."""

    sign: str
    """The `application_name` that libpq gives them, on PostgreSQL; only ASCII letters, digits, `-` and spaces."""
    since: int
    """The last session of MariaDB or MySQL that was opened before the project began."""


def expect_strays(database: Database, sign: str) -> Strays:
    """Return how sessions are known that the project opens from now on."""
    since = 0
    if database.dialect == "mysql":
        since = database.run(
            lambda c: int(c.exec_driver_sql("SELECT CONNECTION_ID()").scalar() or 0)
        )
    return Strays(sign=sign, since=since)


def cancel_strays(
    database: Database, sign: str, *, but: int | None = None, session: Session | None = None
) -> tuple[str, ...]:
    """Cancel what the sessions of that name run; return the statements of those that are not session `but`.

    Asked on `session` where it is open and whole, since a server may be out of connections.
    """
    if database.dialect != "postgresql":
        return ()
    statement = (
        f"SELECT pid, query, pg_cancel_backend(pid) {_OF_THE_PROJECT.format(sign=_quoted(sign))}"
    )
    for run in (*([session.run] if session else []), database.run):
        try:
            rows = run(lambda connection: connection.exec_driver_sql(statement).all())
        except CiMigrateError:
            continue
        return tuple(str(row[1]) for row in rows if row[0] != but)
    return ()


def wait_for_strays(
    database: Database, strays: Strays, number: int | None, seconds: float
) -> dict[int, str]:
    """Wait until the project's sessions do nothing more; return what those run that still do.

    `number` is that of env.py's session, if it is known. What other sessions begin meanwhile is not waited for.
    The text of a statement is given only where it is surely the project's.
    """
    question = _WORKING.get(database.dialect)
    if question is None:
        return {}
    sign = _quoted(strays.sign)
    statement = question.format(number=int(number or -1), sign=sign, since=int(strays.since))
    deadline = time.monotonic() + seconds
    with database.session() as session:
        left = session.run(lambda c: _read(c, statement))
        while left and time.monotonic() <= deadline:
            time.sleep(POLL_SECONDS)
            now = session.run(lambda c: _read(c, statement))
            left = {key: text for key, text in now.items() if key in left}
    return {found: text for (found, _), text in left.items()}


def _read(connection: Connection, statement: str) -> dict[tuple[int, str], str]:
    rows = connection.exec_driver_sql(statement).all()
    return {
        (int(row[0]), str(row[1])): str(row[2] or f"a statement of session {row[0]}")
        for row in rows
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
