"""The part of a recovery that undoes a half-applied revision, statement by statement, after a backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.database.engine import Database
from ci_migrate.errors import BlockedError
from ci_migrate.ledger.facts import LastRemains
from ci_migrate.models import Outcome, Plan
from ci_migrate.recovery.finish_half import find_missing, finish_half, run_statements
from ci_migrate.recovery.half_applied import HalfApplied, State, inspect_half
from ci_migrate.recovery.restore_offer import offer_backup_of_run
from ci_migrate.rehearsal.trial import TrialRequest
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.change import change_database
from ci_migrate.story.execution import Execution
from ci_migrate.survey import History, Survey
from ci_migrate.words import counted


class HalfRequest(Protocol):
    """What a request says about half-applied revisions."""

    @property
    def show_half(self) -> Callable[[HalfApplied], None]:
        """Show what is left."""

    @property
    def show_missing(self) -> Callable[[Sequence[str]], None]:
        """Show the statements that are still to run."""

    def trial(self, history: History) -> TrialRequest:
        """Return a request to try a history on a scratch database."""

    @property
    def confirm_undo(self) -> Callable[[HalfApplied], None]:
        """Have the undoing confirmed."""

    @property
    def undo(self) -> bool:
        """Whether it is asked for."""

    @property
    def finish(self) -> bool:
        """Whether to run what is missing is asked for."""

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be changed."""


def is_half_taken_back(execution: Execution, survey: Survey) -> bool:
    """Return whether a downgrade that was cut off has left something: nothing may run over that."""
    last = execution.ledger.last_remains()
    if last is None or last.direction != "downgrade":
        return False
    halves = _find_halves(last, survey, execution.database)
    return any(item.state is not State.NOT_IN for half in halves for item in half.statements)


def recover_half(request: HalfRequest, execution: Execution, survey: Survey) -> None:
    """Show what the newest run left of a revision, and undo it where that was asked for and is sure.

    Sets the record's outcome. Raises BlockedError with the ways out when nothing was asked for, or when what
    is left cannot surely be undone.
    """
    record = execution.record
    last = execution.ledger.last_remains()
    halves = tuple(_find_halves(last, survey, execution.database)) if last else ()
    if last is None or not halves:
        record.outcome = Outcome.NOTHING_TO_DO
        return
    for half in halves:
        request.show_half(half)
    restore = _find_restore(execution, last)
    half = halves[0]
    has_file = half.revision in survey.history.graph.revisions
    if request.finish and half.direction == "downgrade":
        raise BlockedError(
            f"{half.what}: {half.why_no_finish}", next_step=_ways_on(half, restore, has_file)
        )
    if request.finish:
        _finish(request, execution, survey, half)
        return
    if half.why_no_undo:
        raise BlockedError(
            f"{half.what}, and cannot surely be undone: {half.why_no_undo}",
            next_step=_ways_on(half, restore, has_file),
        )
    if not request.undo or request.is_dry_run:
        raise BlockedError(
            half.what,
            next_step=f"Undo what is in: ci-migrate recover --undo. {_ways_on(half, restore, has_file)}",
        )
    request.confirm_undo(half)
    back_up(execution, rows=survey.plan.current)
    _undo(execution, survey, half)


def _finish(request: HalfRequest, execution: Execution, survey: Survey, half: HalfApplied) -> None:
    missing = find_missing(request.trial(survey.history), execution, survey, half)
    request.show_missing(missing.statements)
    if request.is_dry_run:
        execution.record.outcome = Outcome.READY
        return
    request.confirm_undo(half)
    back_up(execution, rows=survey.plan.current)
    finish_half(execution, survey, half, missing)


def _undo(execution: Execution, survey: Survey, half: HalfApplied) -> None:
    rows = survey.plan.current
    plan = Plan(current=rows, target=rows, pending=(), direction=half.direction)
    execution.record.plan = plan

    def work() -> None:
        with execution.record.stage("undo") as note:
            run_statements(execution, half.undo)
            count = len(half.undo)
            note.result = f"{counted(count, 'statement')} of {half.revision} undone"

    undone = Survey(history=survey.history, rows=survey.rows, plan=plan)
    change_database(execution, undone, work)


def _find_halves(last: LastRemains, survey: Survey, database: Database) -> Iterator[HalfApplied]:
    current, graph = survey.plan.current, survey.history.graph
    begun = {item.revision for item in survey.plan.pending}
    # What has no file any more is not pending, and would be in the rows if it had come to its end.
    begun |= {item.revision for item in last.remains} - graph.revisions.keys() - set(current)
    if last.direction == "downgrade":
        known = graph.ancestors(row for row in current if row in graph.revisions)
        begun = known.union(current)  # also what has no file any more
    for remains in last.remains:
        if remains.revision in begun:
            yield inspect_half(remains, last.started_at, database, last.direction)


def _find_restore(execution: Execution, last: LastRemains) -> str:
    """Return how the backup of that run comes back: by us, or by hand where the store is not at hand."""
    if last.backup is None:
        return ""
    environment = execution.environment
    offer = offer_backup_of_run(environment, execution.env, last.backup)
    by_hand = restore_command(last.backup, execution.database.address, environment.name)
    return offer or (f"Bring the backup of that run back:\n{by_hand}" if by_hand else "")


def _ways_on(half: HalfApplied, restore: str, has_file: bool) -> str:
    ways = []
    if has_file and not half.why_no_finish:
        ways.append(
            "Run what is missing, if that is changes of the schema: ci-migrate recover --finish (with --dry-run it only"
            " shows that)."
        )
    ways.append(
        restore
        if restore
        else f"Finish it or undo it by hand, then go on with --undone {half.revision}."
    )
    return " ".join(ways)
