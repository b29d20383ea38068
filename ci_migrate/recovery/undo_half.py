"""The part of a recovery that undoes a half-applied revision, statement by statement, after a backup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from ci_migrate.backup.restore_advice import restore_command
from ci_migrate.backup_stage import back_up
from ci_migrate.change import change_database
from ci_migrate.database.engine import Database
from ci_migrate.errors import BlockedError
from ci_migrate.execution import Execution
from ci_migrate.ledger_facts import LastRemains
from ci_migrate.models import Outcome, Plan
from ci_migrate.recovery.half_applied import HalfApplied, inspect_half
from ci_migrate.survey import Survey


class HalfRequest(Protocol):
    """What a request says about half-applied revisions."""

    @property
    def show_half(self) -> Callable[[HalfApplied], None]:
        """Show what is left."""

    @property
    def confirm_undo(self) -> Callable[[HalfApplied], None]:
        """Have the undoing confirmed."""

    @property
    def undo(self) -> bool:
        """Whether it is asked for."""

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be changed."""


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
    restore = restore_command(last.backup, execution.database.address) if last.backup else ""
    half = halves[0]
    if half.why_no_undo:
        raise BlockedError(
            f"{half.revision} is half applied, and cannot surely be undone: {half.why_no_undo}",
            next_step=_restore_step(restore)
            or "Finish it or undo it by hand, then promote with --undone.",
        )
    if not request.undo or request.is_dry_run:
        raise BlockedError(
            f"{half.revision} is half applied",
            next_step=f"Undo what is in: ci-migrate recover --undo. {_restore_step(restore)}".strip(),
        )
    request.confirm_undo(half)
    back_up(execution, rows=survey.plan.current)
    _undo(execution, survey, half)


def _undo(execution: Execution, survey: Survey, half: HalfApplied) -> None:
    rows = survey.plan.current
    plan = Plan(current=rows, target=rows, pending=())
    execution.record.plan = plan

    def work() -> None:
        with execution.record.stage("undo") as note:
            for statement in half.undo:
                execution.record.observer.note(statement)
                execution.database.run_in_transaction(
                    lambda connection, sql=statement: connection.exec_driver_sql(sql)  # type: ignore[misc]
                )
            note.result = f"{len(half.undo)} statements of {half.revision} undone"

    undone = Survey(history=survey.history, rows=survey.rows, plan=plan)
    change_database(execution, undone, work)


def _find_halves(last: LastRemains, survey: Survey, database: Database) -> Iterator[HalfApplied]:
    pending = {item.revision for item in survey.plan.pending}
    for remains in last.remains:
        if remains.revision in pending and last.direction == "upgrade":
            yield inspect_half(remains, last.started_at, database)


def _restore_step(restore: str) -> str:
    return f"Or bring the backup of that run back:\n{restore}" if restore else ""
