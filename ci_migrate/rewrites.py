"""Executed revisions whose files are not what they were, and where else these have run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ci_migrate.base_history import find_rewrites_since, hints_of, surroundings_at
from ci_migrate.config.environment import Environment
from ci_migrate.errors import GitError
from ci_migrate.evidence.elsewhere import Executed, Inquiry, ask_environments
from ci_migrate.evidence.sources import Before, LedgerPlace, place_of
from ci_migrate.gates.inputs import Rewritten
from ci_migrate.git.base import find_base, is_commit
from ci_migrate.git.last_change import describe_deletion, describe_last_change
from ci_migrate.git.search import is_known
from ci_migrate.github.event import read_event
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Revision
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.moves import Parents, find_again, find_apart, find_skipped
from ci_migrate.revisions.reader import read_source
from ci_migrate.revisions.rewrite import (
    Change,
    KnownRevision,
    Rewrite,
    find_rewrites,
    spare_replaced,
)
from ci_migrate.survey import History, Survey, surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The revisions of an environment that are not what they were when it executed them."""

    rewritten: tuple[Rewritten, ...]
    unseen: str = ""
    """Why it cannot be told whether this push rewrote what ran before there was a ledger."""


def find_rewritten(
    environment: Environment,
    survey: Survey,
    ledger: Ledger,
    *,
    others: tuple[Before, ...],
    env: Mapping[str, str],
) -> Found:
    """Return the revisions that this environment executed and whose files say something else now.

    What ran before there was a ledger is known by the commit before this push, where git has it here.
    Other environments are asked only when there is a rewritten revision.
    """
    history, allowed = survey.history, environment.migrations.allow_edit
    known = ledger.executed()
    pushed, unseen = _find_pushed(survey, env, {each.revision for each in known})
    changed = _keep_present(compare_ledger(history, known, env), history.graph, survey)
    rewrites = spare_replaced(changed + pushed, allowed)
    weighed = weigh_rewrites(
        rewrites, history, place_of(environment), others, allowed=allowed, env=env
    )
    then = {each.revision: each.parents for each in known}
    pending = [each.revision for each in survey.plan.pending]
    foreign = _find_foreign(rewrites, history, env)
    told = (
        replace(
            _add_place(item, environment.name),
            is_foreign=item.rewrite.known.revision in foreign,
        )
        for item in weighed
    )
    moved = tuple(_weigh_move(item, then, history.graph, pending) for item in told)
    return Found(rewritten=moved, unseen=unseen)


def compare_ledger(
    history: History, known: Iterable[KnownRevision], env: Mapping[str, str]
) -> list[Rewrite]:
    """Return which of the revisions that a ledger knows say something else now."""
    project = history.project
    return find_rewrites(
        known,
        history.graph,
        lambda revision: read_source(project.root / (revision.file or ""), revision.file or ""),
        surroundings_of(project),
        lambda each: surroundings_at(project, env, each.commit),
    )


def _keep_present(rewrites: list[Rewrite], graph: Graph, survey: Survey) -> list[Rewrite]:
    """Leave out what the version rows do not stand for: it was taken back by hand, or is another project's."""
    if not rewrites:
        return []
    present = _graph_then(graph, rewrites).ancestors(survey.plan.current)
    return [each for each in rewrites if each.known.revision in present]


def _find_foreign(
    rewrites: list[Rewrite], history: History, env: Mapping[str, str]
) -> frozenset[str]:
    """Return the revisions without a file that are joined with none and that git never had."""
    lost = [each.known.revision for each in rewrites if each.change is Change.DELETED]
    apart = find_apart(lost, _graph_then(history.graph, rewrites), history.graph) if lost else ()
    root = history.project.root
    if not apart or is_known(root, env, apart[0]) or is_known(root, env, apart[-1]):
        return frozenset()
    return frozenset(apart)


def _add_place(item: Rewritten, name: str) -> Rewritten:
    when = item.rewrite.known.when[:10] or "before its ledger"
    return replace(item, ran_in=(f"{name} ({when})", *item.ran_in))


def _weigh_move(item: Rewritten, then: Parents, graph: Graph, pending: list[str]) -> Rewritten:
    revision = item.rewrite.known.revision
    if item.rewrite.change is not Change.REPARENTED or revision not in then:
        return item
    return replace(
        item,
        skipped=find_skipped(revision, then, graph),
        again=find_again(revision, then, pending),
    )


def _find_pushed(
    survey: Survey, env: Mapping[str, str], known: set[str]
) -> tuple[list[Rewrite], str]:
    """Return the applied revisions that this push rewrote and of which the ledger knows nothing.

    And why that cannot be told, where it cannot.
    """
    history, rows = survey.history, survey.plan.current
    applied = history.graph.ancestors(row for row in rows if row in history.graph.revisions)
    event = read_event(env)
    if event is None or event.name != "push" or not applied - known:
        return [], ""
    # Promoting waits for no remote: what a shallow checkout lacks is the business of `check`.
    hints = replace(hints_of(event), may_fetch=False)
    try:
        base = find_base(history.project.root, env, hints)
        found = find_rewrites_since(history, env, base.commit) if base else []
    except GitError:
        return [], ""  # no checkout of git, or folders outside of it
    before = hints.base_commit or ""
    unseen = f"git does not have {before[:12]} here" if is_commit(before) and not base else ""
    return [rewrite for rewrite in found if rewrite.known.revision in applied - known], unseen


def weigh_rewrites(
    rewrites: list[Rewrite],
    history: History,
    place: LedgerPlace,
    others: tuple[Before, ...],
    *,
    allowed: Mapping[str, str],
    env: Mapping[str, str],
) -> tuple[Rewritten, ...]:
    """Say of each rewritten revision where it ran, who changed it, and whether that is allowed.

    The other environments are asked when there is one.
    """
    if not rewrites:
        return ()
    inquiry = Inquiry(
        place=place,
        graph=_graph_then(history.graph, rewrites),
        version_table=history.version_table,
        version_table_schema=history.version_table_schema,
        env=env,
    )
    asked = ask_environments(inquiry, others, [each.known.revision for each in rewrites])
    silent = tuple(f"{item.environment} ({item.problem})" for item in asked if item.problem)
    return tuple(
        Rewritten(
            rewrite=rewrite,
            ran_in=tuple(filter(None, (_ran_another(item, rewrite) for item in asked))),
            same_in=tuple(filter(None, (_ran_the_same(item, rewrite) for item in asked))),
            silent=silent,
            who=_who(rewrite, history, env),
            allowed=allowed.get(rewrite.known.revision, ""),
        )
        for rewrite in rewrites
    )


def _graph_then(graph: Graph, rewrites: list[Rewrite]) -> Graph:
    """Return the revisions with those that were rewritten as they were."""
    then = {
        each.known.revision: Revision(id=each.known.revision, parents=each.known.parents)
        for each in rewrites
        if each.change in {Change.DELETED, Change.REPARENTED}
    }
    return Graph([*(r for r in graph.revisions.values() if r.id not in then), *then.values()])


def _ran_another(item: Executed, rewrite: Rewrite) -> str:
    """Return the environment, with the day, when it executed something else than the file says now."""
    revision = rewrite.known.revision
    if revision in item.older:
        return f"{item.environment} (before its ledger)"
    found = item.evidence.get(revision)
    if found is None or found.content_hash in rewrite.hashes:
        return ""
    return f"{item.environment} ({found.finished_at[:10]})"


def _ran_the_same(item: Executed, rewrite: Rewrite) -> str:
    found = item.evidence.get(rewrite.known.revision)
    if found is None or found.content_hash not in rewrite.hashes:
        return ""
    return f"{item.environment} ({found.finished_at[:10]})"


def _who(rewrite: Rewrite, history: History, env: Mapping[str, str]) -> str:
    project = history.project
    if rewrite.change is Change.HELPER:
        told = {file: describe_last_change(project.root, env, file) for file in rewrite.helpers}
        return "; ".join(f"{file} {who}" for file, who in told.items() if who)
    file = rewrite.file or rewrite.known.file
    if file:
        return describe_last_change(project.root, env, file) or ""
    words = f"^revision\\b.*{re.escape(rewrite.known.revision)}"
    return describe_deletion(project.root, env, words, project.version_locations) or ""
