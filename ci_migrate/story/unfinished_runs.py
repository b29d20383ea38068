"""What earlier runs left open: their record is finished, and what they left in the database is recalled."""

from __future__ import annotations

from ci_migrate.config.backup_rules import SNAPSHOTS
from ci_migrate.errors import ProbeError
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.plan import find_done
from ci_migrate.redact import one_line
from ci_migrate.remains import describe_remains
from ci_migrate.story.bookkeeping import copy_run
from ci_migrate.story.execution import Execution
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import Survey
from ci_migrate.times import format_time


def settle_unfinished(execution: Execution, survey: Survey) -> None:
    """Finish the record of runs that were cut off; the lock is ours, so none of them is alive."""
    record, ledger = execution.record, execution.ledger
    if survey.plan.pending:
        _recall_partial(record, ledger)
    _recall_foreign(record, ledger, survey)
    for run in ledger.unfinished_runs():
        done = find_done(run.direction, run.planned, survey.plan.current, survey.history.graph)
        where = "in" if run.direction == "upgrade" else "taken out of"
        link = f" ({run.run_url})" if run.run_url else ""
        if run.command == "restore":
            state = (
                "What became of the database nobody has seen: look at it"
                if execution.environment.backup.backend in SNAPSHOTS
                else "The database is as it was before that restore, or as the backup has it"
            )
            record.warn(
                f"an earlier restore, begun {run.started_at}{link}, was cut off. {state}. To bring the backup back,"
                " run the restore again and name it (`ci-migrate backup list`)"
            )
        else:
            how_far = ""
            if run.planned:
                how_far = (
                    f": {len(done)} of its {len(run.planned)} revisions are {where} the database"
                )
            record.warn(f"an earlier run, begun {run.started_at}{link}, was cut off{how_far}")
        ledger.settle_run(run, done, format_time(execution.now()))
        copy_run(execution, run.run_id)


def _recall_foreign(record: RunRecord, ledger: Ledger, survey: Survey) -> None:
    """Warn of what is half applied and has no file here: no gate is in the way of what the branch does not have."""
    last, graph = ledger.last_remains(), survey.history.graph
    # Where the database is ahead of the branch, it is not known which of them are whole; the gate `history` blocks.
    is_ahead = any(row not in graph.revisions for row in survey.plan.current)
    if last is None or last.direction != "upgrade" or is_ahead:
        return
    for remains in last.remains:
        if remains.revision not in graph.revisions:
            record.warn(
                f"the run begun {last.started_at} ended in the middle of a revision, and no revision of this branch is"
                f" that one; {describe_remains(remains)}. Undo by hand what is in, or bring the file back"
            )


def _recall_partial(record: RunRecord, ledger: Ledger) -> None:
    """Warn when the last run left the database partly changed: its backup may not have been brought back."""
    last = ledger.last_partial_run()
    if last is not None and not last.is_whole:
        # What importing the project makes, its revisions may need.
        is_fine = "is meant to stay" if last.kind == ProbeError.kind else "was mended since"
        mend = f"restore its backup first: {last.backup}"
        record.warn(
            f"the last run, begun {last.started_at}, left the database partly changed"
            f" ({one_line(last.failure)}). Unless that {is_fine},"
            f" {mend if last.backup else 'mend it by hand first: it had no backup'}"
        )
