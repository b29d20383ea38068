"""Makes an empty database like another one: how it is created, its accounts, its settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from ci_migrate.database.databases import create_database, execute, quote_name, quote_text
from ci_migrate.database.engine import Session
from ci_migrate.database.traits import Traits
from ci_migrate.errors import DatabaseFailedError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_LISTS = {"search_path"}
"""Settings whose stored value is a list that is SQL already."""


def create_like(session: Session, name: str, traits: Traits) -> str:
    """Create an empty database with the encoding and collation of another; return in what it differs.

    Empty when it does not. Raises DatabaseFailedError.
    """
    if traits.dialect == "mysql":
        options = [f"CHARACTER SET {traits.encoding}", f"COLLATE {traits.collation}"]
        create_database(session, name, options)
        return ""
    try:
        create_database(session, name, [*_plain_options(traits), *_locale_options(traits)])
    except DatabaseFailedError as exc:
        if not re.search(r"(?i)locale|collat|lc_ctype|ICU", exc.message):
            raise
        create_database(session, name, [*_plain_options(traits), "LC_COLLATE 'C'", "LC_CTYPE 'C'"])
        return f"collation {traits.locale or traits.collation} (its server does not have it; C is used)"
    return ""


def create_accounts(session: Session, traits: Traits) -> tuple[str, ...]:
    """Create the accounts of another server, with all rights for the one that migrates.

    For private servers only. Returns what could not be created, in words.
    """
    statements = _roles(traits) if traits.dialect == "postgresql" else _users(traits)
    return _run_all(session, statements)


def apply_settings(session: Session, name: str, traits: Traits) -> tuple[str, ...]:
    """Give a PostgreSQL database the settings of another and its role; return what it did not take."""
    if traits.dialect != "postgresql":
        return ()
    return _run_all(
        session, [partial(_setting, name, key, value) for key, value in traits.settings.items()]
    )


def _plain_options(traits: Traits) -> list[str]:
    return ["TEMPLATE template0", f"ENCODING {quote_text(traits.encoding)}"]


def _locale_options(traits: Traits) -> Iterator[str]:
    yield f"LC_COLLATE {quote_text(traits.collation)}"
    yield f"LC_CTYPE {quote_text(traits.character_type)}"
    if traits.provider == "i":
        yield f"LOCALE_PROVIDER icu ICU_LOCALE {quote_text(traits.locale)}"
    elif traits.provider == "b":
        yield f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {quote_text(traits.locale)}"


def _roles(traits: Traits) -> Iterator[partial[str]]:
    for name in dict.fromkeys([*traits.accounts, traits.user]):
        yield partial(_role, name, "SUPERUSER LOGIN" if name == traits.user else "NOLOGIN")


def _role(name: str, rights: str, connection: Connection) -> str:
    from sqlalchemy import text

    found = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :n"), {"n": name})
    return "" if found.first() else f"CREATE ROLE {quote_name(connection, name)} {rights}"


def _users(traits: Traits) -> Iterator[partial[str]]:
    for account in traits.accounts:
        user, _, host = account.rpartition("@")
        name = f"{quote_text(user)}@{quote_text(host)}"
        yield partial(_given, f"CREATE USER IF NOT EXISTS {name}")
        yield partial(_given, f"GRANT ALL ON *.* TO {name}")


def _given(statement: str, _connection: Connection) -> str:
    return statement


def _setting(name: str, key: str, value: str, connection: Connection) -> str:
    shown = value if key in _LISTS else quote_text(value)
    return f"ALTER DATABASE {quote_name(connection, name)} SET {key} TO {shown}"


def _run_all(session: Session, statements: Iterable[partial[str]]) -> tuple[str, ...]:
    problems: list[str] = []
    for statement in statements:
        try:
            session.run(partial(_run, statement))
        except DatabaseFailedError as exc:
            problems.append(exc.message)
    return tuple(problems)


def _run(statement: partial[str], connection: Connection) -> None:
    if text := statement(connection):
        execute(connection, text)
