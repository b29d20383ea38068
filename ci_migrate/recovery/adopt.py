"""The story of an adoption: the live schema is found among those that the history builds, then stamped."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.database.catalog import list_tables
from ci_migrate.database.comparison import read_schema
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.database.stamp import write_version_rows
from ci_migrate.errors import BlockedError, ProofError, UsageError
from ci_migrate.models import Outcome, Plan, Promotion
from ci_migrate.recovery.candidates import Candidate, Candidates, find_candidates
from ci_migrate.redact import one_line
from ci_migrate.rehearsal.trial import TrialRequest
from ci_migrate.revisions.graph import Graph
from ci_migrate.story.change import change_database
from ci_migrate.story.execution import Execution
from ci_migrate.story.frame import RunRequest, hold_database, run_story
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import History, Survey, read_files, survey_database

MOST_DIFFERENCES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRequest(RunRequest):
    """One environment whose database has no version row yet."""

    revision: str | None
    """Which one is meant, where several build the same schema."""
    is_dry_run: bool


def adopt(request: AdoptRequest) -> Promotion:
    """Run an adoption and return its record; expected failures and bugs are part of it."""
    return run_story(
        request,
        lambda record: _adopt(request, record),
        command="adopt",
        goal=Outcome.ADOPTED,
    )


def _adopt(request: AdoptRequest, record: RunRecord) -> None:
    record.stage_name = "plan"
    history = read_files(request.environment, request.env)
    _refuse_defects(history)
    with hold_database(request, record, history) as execution:
        survey = survey_database(history, execution.database)
        record.reached = survey.rows.rows
        _refuse_known(survey, execution)
        candidates = _compare(request, record, history, execution)
        chosen = choose_candidate(candidates, history.graph, request.revision)
        plan = Plan(current=(), target=chosen.rows, pending=())
        record.plan, record.reached = plan, None
        if request.is_dry_run:
            record.outcome = Outcome.READY
            return
        stamped = Survey(history=history, rows=survey.rows, plan=plan)
        change_database(execution, stamped, lambda: _stamp(execution, stamped))


def _refuse_defects(history: History) -> None:
    problems = (*history.problems, *history.graph.problems())
    if problems:
        raise BlockedError(
            f"the history has a defect: {problems[0].message}", next_step=problems[0].next_step
        )


def _refuse_known(survey: Survey, execution: Execution) -> None:
    history, rows = survey.history, survey.rows.rows
    if rows:
        raise BlockedError(
            f"the database already has a version row: {', '.join(rows)}",
            next_step="`ci-migrate promote` goes on from there; if no file explains it, see `ci-migrate recover`.",
        )
    own = {history.version_table, LEDGER_TABLE}
    if not [name for _, name in list_tables(execution.database) if name not in own]:
        raise BlockedError(
            "the database is empty: there is nothing to adopt",
            next_step="Bring it up with `ci-migrate promote`.",
        )


def _compare(
    request: AdoptRequest, record: RunRecord, history: History, execution: Execution
) -> Candidates:
    with record.stage("compare") as note:
        live = read_schema(execution.database, without=(history.version_table, LEDGER_TABLE))
        trial = TrialRequest(
            environment=request.environment,
            history=history,
            run_id=request.run.run_id,
            env=request.env,
            observer=request.observer,
            redactor=request.redactor,
            now=request.now,
        )
        named = history.graph.resolve(request.revision) if request.revision else None
        candidates = find_candidates(trial, live, named)
        note.result = (
            f"{len(candidates.matching)} of {len(candidates.found)} states of the history are"
            " exactly this schema"
        )
    if candidates.stopped:
        record.warn(f"the history could not be built to its end: {candidates.stopped.message}")
    return candidates


def choose_candidate(candidates: Candidates, graph: Graph, named: str | None) -> Candidate:
    """Return the only candidate whose schema is the live one, or that of several which the user named.

    Raises ProofError with the differences when there is none, or with the choice when there are several.
    """
    matching = candidates.matching
    if named is not None:
        return _choose_named(candidates, graph, named)
    if not matching:
        raise _no_match(candidates, candidates.nearest)
    if len(matching) > 1 or candidates.stopped:
        lines = [_name(graph, candidate) for candidate in matching]
        why = "changes data only" if len(matching) > 1 else "could not be built"
        raise ProofError(
            f"the schema alone does not tell which revision this is (what comes after {why}):\n"
            + "\n".join(lines),
            next_step="Look at the data that those revisions write, then name the right one with"
            " --revision.",
        )
    return matching[0]


def _choose_named(candidates: Candidates, graph: Graph, named: str) -> Candidate:
    revision = graph.resolve(named)
    if revision is None:
        raise UsageError(f"there is no revision {named!r}", next_step="See `ci-migrate heads`.")
    alone_first = sorted(candidates.found, key=lambda candidate: len(candidate.rows))
    for candidate in alone_first:
        if revision in candidate.rows:
            if candidate.differences:
                raise _no_match(candidates, candidate)
            return candidate
    raise ProofError(f"{revision} could not be built, so it cannot be compared")


def _no_match(candidates: Candidates, shown: Candidate | None) -> ProofError:
    if shown is None:
        return ProofError(
            "nothing of the history could be built, so nothing can be compared",
            next_step=(f"{candidates.stopped.message}. " if candidates.stopped else "")
            + "A history that does not begin with an empty database cannot be built: write the row of what the database"
            " holds with `alembic stamp`.",
        )
    name = ", ".join(shown.rows)
    lines = [
        one_line(item.describe("the database", name), 400)
        for item in shown.differences[:MOST_DIFFERENCES]
    ]
    left_out = len(shown.differences) - len(lines)
    if left_out:
        lines.append(f"and {left_out} more")
    return ProofError(
        f"no revision builds exactly this schema; compared with {name}:\n" + "\n".join(lines),
        next_step="Make the database equal by hand, or add a revision that ends where the database is;"
        " then run this again. Nothing was stamped.",
    )


def _name(graph: Graph, candidate: Candidate) -> str:
    return ", ".join(
        f"{row} {one_line(graph.revisions[row].message, 80)}".strip() for row in candidate.rows
    )


def _stamp(execution: Execution, survey: Survey) -> None:
    history = survey.history
    with execution.record.stage("stamp") as note:
        write_version_rows(
            execution.database,
            history.version_table,
            history.version_table_schema,
            survey.plan.target,
        )
        note.result = f"stamped with {', '.join(survey.plan.target)}"
