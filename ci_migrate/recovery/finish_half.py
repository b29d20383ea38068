"""The part of a recovery that finishes a half-applied revision: what a scratch database showed is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ci_migrate.database.catalog import Snapshot
from ci_migrate.database.comparison import compare_schemas, read_schema
from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.database.stamp import write_version_rows
from ci_migrate.errors import ProofError, UpgradeError
from ci_migrate.models import Plan
from ci_migrate.recovery.half_applied import HalfApplied
from ci_migrate.recovery.inverse import find_made
from ci_migrate.redact import one_line
from ci_migrate.rehearsal.trial import TrialRequest, open_trial
from ci_migrate.remains import LONGEST_STATEMENT, is_reading
from ci_migrate.sql_words import is_ddl
from ci_migrate.story.change import change_database
from ci_migrate.story.execution import Execution
from ci_migrate.survey import Survey
from ci_migrate.words import counted

_BY_HAND = "Finish it by hand, then promote with --undone; or bring the backup of that run back."


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a half-applied revision lacks, as a scratch database showed."""

    statements: tuple[str, ...]
    """In the order in which they are run."""
    script: tuple[str, ...]
    """All statements of the revision."""
    built: Snapshot
    """The schema once all of it has run."""


def find_missing(
    request: TrialRequest, execution: Execution, survey: Survey, half: HalfApplied
) -> Missing:
    """Run a revision on a scratch database, and return what of it is missing in the environment's.

    Raises ProofError when it is not sure what is missing.
    """
    if why := half.why_no_finish or why_not_from_here(survey, half):
        raise ProofError(f"{half.revision} cannot surely be finished: {why}", next_step=_BY_HAND)
    with execution.record.stage("proof") as note, open_trial(request) as trial:
        script = tuple(text for text in trial.run_one(half.revision) if not is_reading(text))
        built = trial.schema()
        note.result = f"{half.revision} has {len(script)} statements"
    rest = tuple(_find_rest(script, half, execution))
    return Missing(statements=rest, script=script, built=built)


def why_not_from_here(survey: Survey, half: HalfApplied) -> str:
    """Return why the files do not say how a revision goes on where the database stands; empty when they do."""
    graph, rows = survey.history.graph, survey.plan.current
    if half.revision not in graph.revisions:
        return "no file declares it any more"
    if unknown := graph.unknown(rows):
        return f"the database is at {', '.join(unknown)}, which no file declares"
    below = [name for name in graph.pending(rows, [half.revision]) if name != half.revision]
    return f"by its file {', '.join(below)} comes before it, and has not run here" if below else ""


def plan_finish(survey: Survey, half: HalfApplied) -> Plan:
    """Return the plan that brings a database to the end of a revision which began there."""
    graph, rows = survey.history.graph, survey.plan.current
    pending = tuple(item for item in survey.plan.pending if item.revision == half.revision)
    target = graph.real_heads(graph.ancestors([*rows, half.revision]))
    return Plan(current=rows, target=target, pending=pending)


def finish_half(execution: Execution, survey: Survey, half: HalfApplied, missing: Missing) -> None:
    """Run what is missing of a revision, see that its tables are as it makes them, and write its row."""

    def work() -> None:
        with execution.record.stage("finish") as note:
            run_statements(execution, missing.statements)
            _compare(execution, survey, half, missing)
            table, schema = survey.history.version_table, survey.history.version_table_schema
            write_version_rows(execution.database, table, schema, survey.plan.target)
            count = counted(len(missing.statements), "statement")
            note.result = f"{count} ran, {half.revision} is complete"

    change_database(execution, survey, work)


def run_statements(execution: Execution, statements: Iterable[str]) -> None:
    """Run statements on the environment's database, each committed by itself: some allow no transaction around them."""
    for statement in statements:
        execution.record.observer.note(one_line(statement, LONGEST_STATEMENT))
        execution.database.run(
            lambda connection, sql=statement: connection.exec_driver_sql(sql).close()  # type: ignore[misc]
        )


def _compare(execution: Execution, survey: Survey, half: HalfApplied, missing: Missing) -> None:
    """Raise UpgradeError unless the tables of the revision are as it makes them on a scratch database."""
    own = (survey.history.version_table, LEDGER_TABLE)
    live = read_schema(execution.database, without=own)
    tables = {made.table for text in missing.script if (made := find_made(text))}
    for item in compare_schemas(live, missing.built):
        if item.table in tables:
            raise UpgradeError(
                f"{half.revision} is not what it makes on a scratch database:"
                f" {item.describe('the database', 'the scratch database')}",
                next_step=_BY_HAND,
            )


def _find_rest(script: Sequence[str], half: HalfApplied, execution: Execution) -> Sequence[str]:
    """Return the statements that are missing; raises ProofError unless what ran is how the script begins."""
    clean = execution.record.redactor.clean
    for number, item in enumerate(half.statements):
        shown = one_line(clean(script[number]), LONGEST_STATEMENT) if number < len(script) else ""
        if shown != item.text:
            raise ProofError(
                f"{half.revision} is not what it was when it ran here: its statement {number + 1} is now"
                f" {shown or 'missing'}, and was {item.text}",
                next_step=_BY_HAND,
            )
    rest = script[half.done :]
    for text in rest:
        if not is_ddl(text):
            raise ProofError(
                f"{half.revision} cannot surely be finished: what is missing writes rows"
                f" ({one_line(text, 120)})",
                next_step=_BY_HAND,
            )
    return rest
