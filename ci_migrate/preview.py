"""`plan`: what a promotion would do, and whether its gates would let it; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.database.version_rows import ALEMBIC_ID_LENGTH, VersionRows
from ci_migrate.errors import DatabaseUnreachableError
from ci_migrate.evidence.forecast import read_forecast
from ci_migrate.evidence.sources import Before
from ci_migrate.gates import connection, heads
from ci_migrate.gates import history as history_gate
from ci_migrate.gates.check import check_gates
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult, Outcome
from ci_migrate.preflight import describe_files, find_running, gather_inputs, open_ledger
from ci_migrate.redact import one_line
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import (
    HOW_TO_READ,
    History,
    Survey,
    notes_on_nothing,
    plan_history,
    read_files,
    survey_database,
)
from ci_migrate.untold import (
    HOW_TO_LABEL,
    refuse_untold_command,
    skip_untold,
    told_plan,
    without_untold,
)


def preview(
    environment: Environment,
    before: Before | None,
    env: Mapping[str, str],
    record: RunRecord,
    *,
    now: datetime,
    undone: tuple[str, ...],
    reapply: bool,
    overrides: Mapping[str, str],
    others: tuple[Before, ...] = (),
) -> None:
    """Fill the record with plan and gates of an environment; the outcome is READY when all would pass."""
    history, survey = read_files(environment, env), None
    refuse_untold_command(environment.migrations, history)
    try:
        database = Database(environment.url, root=environment.root)
        survey = survey_database(history, database)
        ledger = open_ledger(environment, database)
        inputs = gather_inputs(
            environment,
            survey,
            database=database,
            ledger=ledger,
            before=before,
            env=env,
            now=now,
            undone=undone,
            overrides=overrides,
            others=others,
        )
    except DatabaseUnreachableError as exc:
        seen = survey or _survey_files(history)  # else it is the ledger's database
        _preview_history(environment, env, record, seen, connection.unreachable(exc))
        return
    inputs = replace(inputs, held=()) if reapply else inputs
    inputs = _spare_running(inputs, find_running(environment, ledger), record)
    record.plan = told_plan(survey.plan, history)
    record.forecast = read_forecast(environment, before, record.plan)
    _judge(check_gates(without_untold(inputs, history)), environment, history, record)


def _spare_running(inputs: GateInputs, running: str, record: RunRecord) -> GateInputs:
    """Return the inputs without what a run that is at work has begun."""
    if not running:
        return inputs
    record.warn(
        f"another run is at work in this database ({one_line(running, 300)}): this is what it has not done yet, and a"
        " promotion waits for its end"
    )
    return replace(inputs, unfinished=())


def preview_files(environment: Environment, env: Mapping[str, str], record: RunRecord) -> None:
    """Fill the record with what the revision files alone tell: heads and their faults."""
    gate = GateResult(
        name=connection.NAME, outcome=GateOutcome.SKIPPED, message="no database was asked"
    )
    history = read_files(environment, env)
    refuse_untold_command(environment.migrations, history)
    survey = _survey_files(history)
    _preview_history(environment, env, record, survey, gate)


def _survey_files(history: History) -> Survey:
    """Return what is seen where no database is asked."""
    rows = VersionRows(rows=(), table_exists=False, id_length=ALEMBIC_ID_LENGTH)
    return Survey(history=history, rows=rows, plan=plan_history(history, None, "postgresql"))


def _preview_history(
    environment: Environment,
    env: Mapping[str, str],
    record: RunRecord,
    survey: Survey,
    answer: GateResult,
) -> None:
    history = survey.history
    inputs = without_untold(describe_files(environment, survey, env=env), history)
    record.plan = told_plan(survey.plan, history)
    gates = (answer, history_gate.check(inputs), heads.check(inputs))
    _judge(gates, environment, history, record)
    if record.outcome is Outcome.NOTHING_TO_DO:  # nobody knows what is pending
        record.outcome = Outcome.READY


def _judge(
    gates: tuple[GateResult, ...], environment: Environment, history: History, record: RunRecord
) -> None:
    """Keep the gates' answers, as far as the files allow them, and the outcome that follows."""
    asks_project = not environment.migrations.upgrade_command
    record.untold = history.untold
    record.keep_gates(skip_untold(gates, history, environment.migrations))
    for text in (*history.project.notes, *notes_on_nothing(history)):
        record.warn(text)
    if history.unreadable and asks_project:
        later = "what is pending is" if history.untold else "branch labels are"
        record.warn(
            f"the revisions cannot be read as text ({'; '.join(history.unreadable)}): {later} known only when promote"
            f" has taken a backup and asked the project. {HOW_TO_READ if history.untold else HOW_TO_LABEL}"
        )
    if any(gate.outcome is GateOutcome.FAILED for gate in record.gates):
        record.outcome = Outcome.BLOCKED
    elif record.plan.pending or history.untold:
        record.outcome = Outcome.READY
    else:
        record.outcome = Outcome.NOTHING_TO_DO
