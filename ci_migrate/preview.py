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
from ci_migrate.preflight import describe_files, gather_inputs, open_ledger
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import (
    History,
    Survey,
    notes_on_nothing,
    plan_history,
    read_files,
    survey_database,
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
    try:
        database = Database(environment.url, root=environment.root)
        survey = survey_database(history, database)
        inputs = gather_inputs(
            environment,
            survey,
            database=database,
            ledger=open_ledger(environment, database),
            before=before,
            env=env,
            now=now,
            undone=undone,
            overrides=overrides,
            others=others,
        )
    except DatabaseUnreachableError as exc:
        survey = survey or _survey_files(
            history
        )  # else it is the ledger's database that is not reached
        _preview_history(environment, env, record, survey, connection.unreachable(exc))
        return
    _judge(environment, before, record, survey, inputs, reapply=reapply)


def _judge(
    environment: Environment,
    before: Before | None,
    record: RunRecord,
    survey: Survey,
    inputs: GateInputs,
    *,
    reapply: bool,
) -> None:
    record.plan = survey.plan
    record.forecast = read_forecast(environment, before, survey.plan)
    record.keep_gates(check_gates(replace(inputs, held=()) if reapply else inputs))
    _conclude(record, survey.history)


def preview_files(environment: Environment, env: Mapping[str, str], record: RunRecord) -> None:
    """Fill the record with what the revision files alone tell: heads and their faults."""
    gate = GateResult(
        name=connection.NAME, outcome=GateOutcome.SKIPPED, message="no database was asked"
    )
    survey = _survey_files(read_files(environment, env))
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
    inputs: GateInputs = describe_files(environment, survey, env=env)
    record.plan = survey.plan
    record.keep_gates((answer, history_gate.check(inputs), heads.check(inputs)))
    _conclude(record, survey.history)
    if record.outcome is Outcome.NOTHING_TO_DO:  # nobody knows what is pending
        record.outcome = Outcome.READY


def _conclude(record: RunRecord, history: History) -> None:
    for text in (*history.project.notes, *notes_on_nothing(history)):
        record.warn(text)
    if any(gate.outcome is GateOutcome.FAILED for gate in record.gates):
        record.outcome = Outcome.BLOCKED
    elif history.unreadable:
        record.outcome = Outcome.READY
        record.warn(
            f"the revisions cannot be read as text ({'; '.join(history.unreadable)}): what is pending is"
            " known only when promote has taken a backup and asked the project"
        )
    else:
        record.outcome = Outcome.READY if record.plan.pending else Outcome.NOTHING_TO_DO
