"""What an environment has executed, asked from one source after the other until one of them answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ci_migrate.config.environment import Environment, name_in_records
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.database.engine import Database
from ci_migrate.database.url import address_of, parse_url
from ci_migrate.errors import BackupError, CiMigrateError, ConfigError
from ci_migrate.evidence.github_record import read_record
from ci_migrate.github.rest import open_github
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Evidence, SourceAnswer

LEDGER_URL = "ledger.url"
"""The key of the configuration that names a database for the ledgers of all environments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Another environment of the configuration, as far as it can be asked here."""

    name: str
    url: str | None = field(repr=False)
    """Its URL; None when it is not known here."""
    problem: str = ""
    """Why its URL is not known."""
    store: str = ""
    """Where its backups are, with copies of its ledger; empty when that is not known or not asked for."""
    store_problem: str = ""
    """Why it is not known."""
    sources: tuple[str, ...] = ("database",)
    """Which records of it the configuration names: those that an environment after it asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlace:
    """Where the ledgers of all environments are."""

    url: str | None = field(repr=False)
    """None where each is in its environment's own database."""
    schema: str
    project: str
    """The name of the project in records that several share; empty where it is alone."""
    root: Path
    problem: str = ""
    """Why it cannot be told where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Of whom it is asked what they executed, and with which means."""

    place: LedgerPlace
    sources: tuple[str, ...]
    """In the order in which they are asked."""
    before: Before
    wanted: frozenset[str]
    """The revisions that it is about."""
    env: Mapping[str, str]


def hear_sources(question: Question) -> tuple[SourceAnswer, ...]:
    """Return what the configured sources say, up to the first that answers; raises nothing expected.

    A source that cannot be asked, or has no record of the environment at all, passes the question on.
    """
    heard: list[SourceAnswer] = []
    for source in question.sources:
        heard.append(_hear(source, question))
        if not heard[-1].problem:
            break
    return tuple(heard)


def find_twin(address: DatabaseAddress, others: Iterable[Before], root: Path) -> str:
    """Return the name of another environment whose URL leads to this database; empty when none does.

    Told by the URLs alone: one that has another name for the same host is not recognised.
    """
    for other in others:
        with suppress(CiMigrateError):
            if other.url and address_of(parse_url(other.url, root=root)).place == address.place:
                return other.name
    return ""


def place_of(environment: Environment) -> LedgerPlace:
    """Return where the ledgers are, by the settings of one environment: they are the same for all."""
    return LedgerPlace(
        url=environment.ledger_url,
        schema=environment.ledger_schema,
        project=environment.ledger_project,
        root=environment.root,
    )


def read_ledger(place: LedgerPlace, before: Before) -> Mapping[str, Evidence] | None:
    """Return what the ledger of an environment knows as executed; None when there is no ledger.

    Only reading is done. Raises ConfigError when its URL is not known, and what a database raises.
    """
    ledger = open_ledger_of(place, before)
    return ledger.evidence() if ledger.exists() else None


def open_ledger_of(place: LedgerPlace, before: Before) -> Ledger:
    """Return the ledger of another environment; raises ConfigError when its URL is not known here."""
    if place.problem:
        raise ConfigError(place.problem)
    url = place.url or before.url
    if url is None:
        raise ConfigError(before.problem)
    database = Database(url, root=place.root, setting=LEDGER_URL if place.url else "")
    name = name_in_records(before.name, place.project)
    return Ledger(database, schema=place.schema, environment=name)


def _hear(source: str, question: Question) -> SourceAnswer:
    try:
        found = _SOURCES[source](question)
    except CiMigrateError as exc:
        return SourceAnswer(source=source, problem=exc.message)
    if found is None:
        return SourceAnswer(
            source=source, problem=f"{question.before.name} has no record there yet", is_empty=True
        )
    return SourceAnswer(source=source, evidence=found)


def _ask_database(question: Question) -> Mapping[str, Evidence] | None:
    return read_ledger(question.place, question.before)


def _ask_store(question: Question) -> Mapping[str, Evidence] | None:
    from ci_migrate.backup.stores.opening import open_store
    from ci_migrate.evidence.ledger_copy import read_copies
    from ci_migrate.evidence.store_record import read_copied

    before = question.before
    if not before.store:
        raise ConfigError(before.store_problem)
    store = open_store(before.store, root=question.place.root, env=question.env)
    copies = read_copies(store, name_in_records(before.name, question.place.project))
    if copies.problems:
        # What a rollback or a restore took back may stand in the file that cannot be read.
        raise BackupError(copies.problems[0])
    return read_copied(copies, before.name)


def _ask_github(question: Question) -> Mapping[str, Evidence] | None:
    github = open_github(question.env)
    return read_record(github, question.before.name, question.wanted, question.place.project)


_SOURCES: dict[str, Callable[[Question], Mapping[str, Evidence] | None]] = {
    "database": _ask_database,
    "store": _ask_store,
    "github": _ask_github,
}
