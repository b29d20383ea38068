"""The statements of the lock on a server: take, give back, and who holds it."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

NAME = "ci-migrate"
"""Of the lock."""
MARK = "ci-migrate lock"
"""How the comment begins by which a holder names itself to those who wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockStatements:
    """Statements for the lock of one scope, each with one row as its answer."""

    take: str
    """True when it was to be had; never waits."""
    remember: str
    """Marks the session that has taken it, for `is_held` to know it again; empty where the lock itself is asked for."""
    give: str
    is_held: str
    """True when the asking session is still the one that took it; asked several times a second."""
    holder: str
    """Two columns: the statement with the holder's comment, if it can be seen; and what the server knows."""


def is_signed(comment: str | None) -> bool:
    """Return whether the holder's comment can be seen."""
    return _signature(comment) is not None


def name_holder(comment: str | None, known: str | None) -> str:
    """Return who holds the lock, from the two columns of `holder`."""
    found = _signature(comment)
    if found is not None:
        return found[1]
    return known or "another run that the server does not show to this role"


def _signature(comment: str | None) -> re.Match[str] | None:
    return re.match(rf"/\* {MARK}[^:]*: (.*?) \*/", comment or "")


def clean_comment(text: str) -> str:
    """Return a text that can stand in a comment of SQL: nothing ends it or is a parameter to a driver."""
    return re.sub(r"[^\w .,:;/@()+=&#~-]", "?", text, flags=re.ASCII)


def postgresql_statements() -> LockStatements:
    """Return the statements for PostgreSQL: an advisory lock, which belongs to the database."""
    key = int.from_bytes(hashlib.sha256(NAME.encode()).digest()[:8], "big", signed=True)
    match = (
        "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        f" AND ((l.classid::bigint << 32) | l.objid::bigint) = {key}"
    )
    holder = (
        "SELECT a.query, a.application_name || ', pid ' || a.pid || ', address '"
        " || coalesce(host(a.client_addr), 'local') || ', connected since '"
        " || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'"
        f" FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE {match}"
    )
    # The lock lives as long as its session, and so does a setting. To look for it in pg_locks would hold up all locks
    # of the server meanwhile, and an upgrade can have thousands.
    setting, token = "ci_migrate.lock", uuid.uuid4().hex
    return LockStatements(
        take=f"SELECT pg_try_advisory_lock({key})",
        remember=f"SELECT set_config('{setting}', '{token}', false)",
        give=f"SELECT pg_advisory_unlock({key})",
        is_held=f"SELECT current_setting('{setting}', true) = '{token}'",
        holder=holder,
    )


def mysql_statements() -> LockStatements:
    """Return the statements for MariaDB and MySQL: a lock by name."""
    # Lock names are server-wide and at most 64 characters long: the database is part of the name.
    name = f"CONCAT('{NAME}-', SHA1(DATABASE()))"
    # The server shows what a session runs, never what it ran last: another session carries the name.
    mark = f"CONCAT('/* {MARK} ', l.id, ':')"
    comment = (
        "SELECT s.info FROM information_schema.processlist s"
        f" WHERE LEFT(s.info, CHAR_LENGTH({mark})) = {mark} LIMIT 1"
    )
    # Without PROCESS a role sees its own sessions only, but the number of the one that holds a lock.
    hidden = (
        "'connection ', l.id, ' of another user: this one needs PROCESS to see whose run it is'"
    )
    holder = (
        f"SELECT ({comment}), COALESCE(CONCAT(p.user, '@', p.host, ', connection ', p.id), CONCAT({hidden}))"
        f" FROM (SELECT IS_USED_LOCK({name}) AS id) l"
        " LEFT JOIN information_schema.processlist p ON p.id = l.id WHERE l.id IS NOT NULL"
    )
    return LockStatements(
        take=f"SELECT GET_LOCK({name}, 0)",
        remember="",
        give=f"SELECT RELEASE_LOCK({name})",
        is_held=f"SELECT IS_USED_LOCK({name}) = CONNECTION_ID()",
        holder=holder,
    )
