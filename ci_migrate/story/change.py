"""The part of every story that changes the database: recorded before and after, verified, looked back at."""

from __future__ import annotations

from collections.abc import Callable

from ci_migrate.database.health import find_invalid_indexes
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import CiMigrateError, InterruptedRunError, RowsChangedError
from ci_migrate.models import Outcome, Remains
from ci_migrate.plan import find_done
from ci_migrate.remains import decode_remains, encode_remains, is_concurrent_build
from ci_migrate.stops import held_stops
from ci_migrate.story.bookkeeping import finish_ledger, start_ledger
from ci_migrate.story.execution import Execution
from ci_migrate.story.look_back import look_back, restore_of
from ci_migrate.survey import Survey
from ci_migrate.verify import verify_target


def change_database(execution: Execution, survey: Survey, work: Callable[[], None]) -> None:
    """Do `work`, which brings the database to the target of the survey's plan; prove it, and record it.

    The ledger is written before and after. Sets the record's outcome: its goal once a fresh connection has
    read the target. Raises the failure; the record then says whether the database changed.
    """
    record, history = execution.record, survey.history
    before = execution.read_state(history)
    # Held but for the work itself: the first word of the ledger, the last look and the last word are never cut off.
    with held_stops() as hold:
        start_ledger(execution, survey)
        try:
            with hold.lifted():
                work()
                _verify(execution, survey)
                record.outcome = record.goal
        except RowsChangedError as exc:
            _take_change(execution, exc)
            record.fail(exc)
            raise
        except (Exception, InterruptedRunError) as exc:
            record.fail(exc)
            look_back(execution, survey, before)
            if record.outcome is not record.goal:
                raise
        finally:
            finish_ledger(execution, survey)


def _warn_of_invalid(execution: Execution) -> None:
    """Tell of indexes that concurrent builds have left: `IF NOT EXISTS` takes one from an earlier run for good."""
    remains = execution.report.remains.values()
    if not any(is_concurrent_build(text) for item in remains for text in item.executed):
        return
    try:
        names = find_invalid_indexes(execution.database)
    except CiMigrateError as exc:
        execution.record.warn(f"whether all indexes were built could not be asked: {exc.message}")
        return
    if names:
        drops = " ".join(f"DROP INDEX CONCURRENTLY {name};" for name in names)
        execution.record.warn(
            f"indexes whose build did not end, and which serve no query: {', '.join(names)}. Remove them and build"
            f" them anew in another revision: {drops}"
        )


def _take_change(execution: Execution, change: RowsChangedError) -> None:
    """Say what this run had done, if anything, before it met what somebody else did to the version rows."""
    if not execution.report.done:
        change.message += "; nothing was run"
        return
    change.message += f"; before that this run had executed {', '.join(execution.report.done)}"
    execution.record.reached, execution.record.outcome = change.found, Outcome.PARTIAL


def _find_left(execution: Execution, survey: Survey, rows: tuple[str, ...]) -> tuple[Remains, ...]:
    """Return what lasts of revisions that these version rows do not show as done, as the ledger will tell it."""
    plan = survey.plan
    planned = [item.revision for item in plan.pending]
    done = find_done(plan.direction, planned, rows, survey.history.graph)
    left = [item for item in execution.report.remains.values() if item.revision not in done]
    return decode_remains(encode_remains(left, execution.record.redactor.clean))


def _verify(execution: Execution, survey: Survey) -> None:
    record, history = execution.record, survey.history
    record.outcome = Outcome.UNVERIFIED
    with record.stage("verify") as note:
        rows = read_version_rows(
            execution.database, history.version_table, history.version_table_schema
        ).rows
        record.reached = rows
        project = execution.project
        verify_target(
            rows,
            survey.plan,
            history.graph,
            external_transaction=project is not None and project.probe.external_transaction,
            left=_find_left(execution, survey, rows),
            restore=restore_of(execution),
        )
        _warn_of_invalid(execution)
        note.result = f"a fresh connection reads {', '.join(rows) or 'no row'}"
