"""The part of a recovery that undoes a half-applied revision, statement by statement, after a backup."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.errors import BlockedError
from ci_migrate.ledger.facts import LastRemains
from ci_migrate.models import Outcome, Plan
from ci_migrate.recovery.finish_half import (
    find_missing,
    finish_half,
    plan_finish,
    run_statements,
    why_not_from_here,
)
from ci_migrate.recovery.half_applied import HalfApplied, State, inspect_half
from ci_migrate.recovery.orphans import Orphans
from ci_migrate.recovery.restore_offer import offer_backup_of_run
from ci_migrate.redact import shell_words
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
    def undone(self) -> tuple[str, ...]:
        """Revisions of which nothing is left, as the user says."""

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be changed."""


def is_half_done(
    execution: Execution, survey: Survey, orphans: Orphans, undone: Collection[str]
) -> bool:
    """Return whether the newest run has left a part of a revision: nothing may run over that."""
    halves = _find_halves(execution, survey, orphans, undone)
    return any(item.state is not State.NOT_IN for half in halves for item in half.statements)


def recover_half(
    request: HalfRequest, execution: Execution, survey: Survey, orphans: Orphans
) -> None:
    """Show what the newest run left of a revision, and undo it where that was asked for and is sure.

    Sets the record's outcome. Raises BlockedError with the ways out when nothing was asked for, or when what
    is left cannot surely be undone.
    """
    record = execution.record
    last = execution.ledger.last_remains()
    halves = tuple(_find_halves(execution, survey, orphans, request.undone))
    if last is None or not halves:
        record.outcome = Outcome.NOTHING_TO_DO
        return
    for half in halves:
        request.show_half(half)
    restore = _find_restore(execution, last)
    half = halves[0]
    is_lost = bool(orphans.found or orphans.unknown)
    ways = _ways_on(half, restore, survey, "recover" if is_lost else "promote")
    _refuse_half(half, ways, finish=request.finish, undo=request.undo)
    if request.finish:
        _finish(request, execution, survey, half)
        return
    rows = survey.plan.current
    plan = Plan(current=rows, target=rows, pending=(), direction=half.direction)
    record.plan = plan
    if request.is_dry_run:
        record.outcome = Outcome.READY
        return
    request.confirm_undo(half)
    back_up(execution, rows=rows)
    whole = replace(survey.history, graph=orphans.graph)
    _undo(execution, replace(survey, history=whole, plan=plan), half)


def _refuse_half(half: HalfApplied, ways: str, *, finish: bool, undo: bool) -> None:
    """Raise BlockedError, with the `ways` on, where what was asked for is not sure, or nothing was."""
    if finish and half.direction == "downgrade":
        raise BlockedError(f"{half.what}: {half.why_no_finish}", next_step=ways)
    if finish:
        return
    if half.why_no_undo:
        problem = f"{half.what}, and cannot surely be undone: {half.why_no_undo}"
        raise BlockedError(problem, next_step=ways)
    if not undo:
        next_step = f"Undo what is in: ci-migrate recover --undo. {ways}"
        raise BlockedError(half.what, next_step=next_step)


def _finish(request: HalfRequest, execution: Execution, survey: Survey, half: HalfApplied) -> None:
    missing = find_missing(request.trial(survey.history), execution, survey, half)
    request.show_missing(missing.statements)
    execution.record.plan = plan = plan_finish(survey, half)
    if request.is_dry_run:
        execution.record.outcome = Outcome.READY
        return
    request.confirm_undo(half)
    back_up(execution, rows=survey.plan.current)
    finish_half(execution, replace(survey, plan=plan), half, missing)


def _undo(execution: Execution, survey: Survey, half: HalfApplied) -> None:

    def work() -> None:
        with execution.record.stage("undo") as note:
            run_statements(execution, half.undo)
            count = len(half.undo)
            note.result = f"{counted(count, 'statement')} of {half.revision} undone"

    change_database(execution, survey, work)


def _find_halves(
    execution: Execution, survey: Survey, orphans: Orphans, undone: Collection[str]
) -> Iterator[HalfApplied]:
    """Yield what the newest run began and did not end, as far as the rows tell which that is."""
    last, current = execution.ledger.last_remains(), survey.plan.current
    if last is None or (orphans.unknown and last.direction == "upgrade"):
        return
    present = orphans.graph.ancestors(row for row in current if row in orphans.graph.revisions)
    is_there = last.direction == "downgrade"
    for remains in last.remains:
        has_row = remains.revision in present or remains.revision in current
        if has_row is is_there and remains.revision not in undone:
            yield inspect_half(remains, last.started_at, execution.database, last.direction)


def _find_restore(execution: Execution, last: LastRemains) -> str:
    """Return how the backup of that run comes back: by us, or by hand where the store is not at hand."""
    if last.backup is None:
        return ""
    environment = execution.environment
    offer = offer_backup_of_run(environment, execution.env, last.backup)
    by_hand = restore_command(last.backup, execution.database.address, environment.name)
    return offer or (f"Bring the backup of that run back:\n{by_hand}" if by_hand else "")


def _ways_on(half: HalfApplied, restore: str, survey: Survey, command: str) -> str:
    ways = []
    if not (half.why_no_finish or why_not_from_here(survey, half)):
        ways.append(
            "Run what is missing, if that is changes of the schema: ci-migrate recover --finish (with --dry-run it only"
            " shows that)."
        )
    ways.append(
        f"Undo it by hand, then: ci-migrate {command} --undone {shell_words(half.revision)}."
    )
    return " ".join([*ways, *filter(None, [restore])])
