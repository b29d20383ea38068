"""What other environments have executed: by their records, and by the version rows of their databases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import CiMigrateError
from ci_migrate.evidence.sources import Before, LedgerPlace, Question, hear_sources
from ci_migrate.models import Evidence
from ci_migrate.revisions.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """How other environments are asked."""

    place: LedgerPlace
    graph: Graph
    """The revisions as these environments may have run them."""
    version_table: str
    version_table_schema: str | None
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What one environment has executed, as far as it could be asked."""

    environment: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """By revision, what its record tells."""
    older: frozenset[str] = frozenset()
    """Revisions that are in its database, and of which no record tells."""
    problem: str = ""
    """Why it could not be asked; empty when it answered."""

    def has(self, revision: str) -> bool:
        """Return whether it has executed a revision, by its record or by its database."""
        return revision in self.evidence or revision in self.older


def ask_environments(
    inquiry: Inquiry, others: Iterable[Before], wanted: Collection[str]
) -> tuple[Executed, ...]:
    """Ask other environments for some revisions; one that cannot be asked is told, and no obstacle.

    Their databases are asked first, and where that fails the records which the configuration names for them.
    """
    return tuple(_ask(inquiry, other, frozenset(wanted)) for other in others)


def _ask(inquiry: Inquiry, other: Before, wanted: frozenset[str]) -> Executed:
    sources = tuple(dict.fromkeys(("database", *other.sources)))
    heard = hear_sources(
        Question(place=inquiry.place, sources=sources, before=other, wanted=wanted, env=inquiry.env)
    )
    database, last = heard[0], heard[-1]
    is_reached = not database.problem or database.is_empty
    if last.problem and not is_reached:
        silent = [f"{told.source}: {told.problem}" for told in heard[1:]]
        problem = "; ".join([database.problem, *silent])
        return Executed(environment=other.name, problem=problem)
    try:
        rows = _read_rows(inquiry, other) if is_reached and other.url else ()
    except CiMigrateError as exc:
        return Executed(environment=other.name, problem=exc.message)
    evidence = {name: found for name, found in last.evidence.items() if name in wanted}
    older = inquiry.graph.ancestors(rows).union(rows) & wanted - evidence.keys()
    return Executed(environment=other.name, evidence=evidence, older=frozenset(older))


def _read_rows(inquiry: Inquiry, other: Before) -> tuple[str, ...]:
    database = Database(other.url or "", root=inquiry.place.root)
    return read_version_rows(database, inquiry.version_table, inquiry.version_table_schema).rows
