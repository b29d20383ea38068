"""Executed revisions whose files are not what they were, and where else these have run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ci_migrate.base_history import find_rewrites_since, hints_of
from ci_migrate.config.environment import Environment
from ci_migrate.errors import CiMigrateError, GitError
from ci_migrate.evidence.sources import Before, LedgerPlace, place_of, read_ledger
from ci_migrate.gates.inputs import Rewritten
from ci_migrate.git.base import find_base
from ci_migrate.git.last_change import describe_last_change
from ci_migrate.github.event import read_event
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Evidence, Revision
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.moves import Parents, find_again, find_skipped
from ci_migrate.revisions.reader import read_source
from ci_migrate.revisions.rewrite import Change, Rewrite, find_rewrites, spare_replaced
from ci_migrate.survey import Survey, surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What other environments executed, as far as they could be asked."""

    evidence: Mapping[str, Mapping[str, Evidence]]
    """By environment, then by revision."""
    silent: tuple[str, ...] = ()
    """Environments that could not be asked, each with the reason."""

    def ran_in(self, revision: str) -> tuple[str, ...]:
        """Return where a revision ran, each with the day."""
        return tuple(
            f"{name} ({found[revision].finished_at[:10]})"
            for name, found in self.evidence.items()
            if revision in found
        )


def ask_elsewhere(place: LedgerPlace, others: tuple[Before, ...]) -> Elsewhere:
    """Ask the ledgers of other environments; one that cannot be read is told, and no obstacle."""
    evidence, silent = {}, []
    for other in others:
        try:
            evidence[other.name] = read_ledger(place, other) or {}
        except CiMigrateError as exc:
            silent.append(f"{other.name} ({exc.message})")
    return Elsewhere(evidence=evidence, silent=tuple(silent))


def find_rewritten(
    environment: Environment,
    survey: Survey,
    ledger: Ledger,
    *,
    others: tuple[Before, ...],
    env: Mapping[str, str],
) -> tuple[Rewritten, ...]:
    """Return the revisions that this environment executed and whose files say something else now.

    What ran before there was a ledger is known by the commit before this push, where git has it here.
    Other environments are asked only when there is a rewritten revision.
    """
    history = survey.history
    known = ledger.executed()
    rewrites = find_rewrites(
        known,
        history.graph,
        lambda revision: _read(revision, survey),
        surroundings_of(history.project),
    )
    rewrites += _find_pushed(survey, env, {each.revision for each in known})
    weighed = weigh_rewrites(
        spare_replaced(rewrites, environment.migrations.allow_edit),
        allowed=environment.migrations.allow_edit,
        ask=lambda: ask_elsewhere(place_of(environment), others),
        describe=lambda file: describe_last_change(history.project.root, env, file),
        here=environment.name,
    )
    then = {each.revision: each.parents for each in known}
    pending = [each.revision for each in survey.plan.pending]
    return tuple(_weigh_move(item, then, history.graph, pending) for item in weighed)


def _weigh_move(item: Rewritten, then: Parents, graph: Graph, pending: list[str]) -> Rewritten:
    revision = item.rewrite.known.revision
    if item.rewrite.change is not Change.REPARENTED or revision not in then:
        return item
    return replace(
        item,
        skipped=find_skipped(revision, then, graph),
        again=find_again(revision, then, pending),
    )


def _find_pushed(survey: Survey, env: Mapping[str, str], known: set[str]) -> list[Rewrite]:
    """Return the applied revisions that this push rewrote and of which the ledger knows nothing."""
    history, rows = survey.history, survey.plan.current
    applied = history.graph.ancestors(row for row in rows if row in history.graph.revisions)
    event = read_event(env)
    if event is None or event.name != "push" or not applied - known:
        return []
    try:
        # Promoting waits for no remote: what a shallow checkout lacks is the business of `check`.
        base = find_base(history.project.root, env, replace(hints_of(event), may_fetch=False))
        found = find_rewrites_since(history, env, base.commit) if base else []
    except GitError:
        return []  # no checkout of git, or folders outside of it
    return [rewrite for rewrite in found if rewrite.known.revision in applied - known]


def weigh_rewrites(
    rewrites: list[Rewrite],
    *,
    allowed: Mapping[str, str],
    ask: Callable[[], Elsewhere],
    describe: Callable[[str], str | None],
    here: str = "",
) -> tuple[Rewritten, ...]:
    """Say of each rewritten revision where it ran, who changed it, and whether that is allowed.

    `ask` is called when there is one; `describe` tells who changed a file; `here` is the environment whose
    ledger knew the revisions.
    """
    if not rewrites:
        return ()
    elsewhere = ask()
    return tuple(
        Rewritten(
            rewrite=rewrite,
            ran_in=(
                *([f"{here} ({rewrite.known.when[:10] or 'before its ledger'})"] if here else []),
                *elsewhere.ran_in(rewrite.known.revision),
            ),
            silent=elsewhere.silent,
            who=_who(rewrite, describe),
            allowed=allowed.get(rewrite.known.revision, ""),
        )
        for rewrite in rewrites
    )


def _read(revision: Revision, survey: Survey) -> str:
    file = revision.file or ""
    return read_source(survey.history.project.root / file, file)


def _who(rewrite: Rewrite, describe: Callable[[str], str | None]) -> str:
    file = rewrite.file or rewrite.known.file
    if rewrite.change is Change.HELPER:
        told = {helper: describe(helper) for helper in rewrite.helpers}
        return "; ".join(f"{helper} {who}" for helper, who in told.items() if who)
    return (describe(file) if file else None) or ""
