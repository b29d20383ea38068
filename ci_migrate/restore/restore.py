"""The story of a restore: lock, choose, prove, ask, back up, load, compare, reconcile, verify, record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ci_migrate.backup.manifest import Manifest
from ci_migrate.config.backup_rules import SNAPSHOTS
from ci_migrate.database.half_restored import find_half_restored
from ci_migrate.database.version_rows import read_version_rows
from ci_migrate.errors import CiMigrateError
from ci_migrate.evidence.ledger_copy import read_copies
from ci_migrate.evidence.reconcile import copy_missing, heal_fork
from ci_migrate.models import Outcome, Plan, Promotion
from ci_migrate.restore.loss import is_later
from ci_migrate.restore.rows_now import tell_loss
from ci_migrate.restore.source import Source, load_archive, open_source, prove_source
from ci_migrate.restore.state import check_restored
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.change import change_database
from ci_migrate.story.execution import Execution
from ci_migrate.story.frame import RunRequest, hold_database, run_story
from ci_migrate.story.record import RunRecord
from ci_migrate.story.restoring import Restoring
from ci_migrate.survey import History, Survey, read_files


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRun(RunRequest):
    """One environment whose database is to be as a backup has it."""

    wanted: str | None
    """Name of the backup; None for the newest."""
    confirm: Callable[[], None]
    """Has it confirmed, after everything that will be lost has been told; raises when it is not."""


def restore(request: RestoreRun) -> Promotion:
    """Bring a backup back into the environment's database, and return the record of it."""
    return run_story(
        request, lambda record: _restore(request, record), command="restore", goal=Outcome.RESTORED
    )


def _restore(request: RestoreRun, record: RunRecord) -> None:
    record.stage_name = "plan"
    history = read_files(request.environment, request.env)
    with hold_database(request, record, history, restores=True) as execution:
        half = find_half_restored(execution.database)
        wanted = request.wanted or (half.backup if half else "") or None
        source = open_source(request.environment, request.env, record, wanted)
        survey = _plan(history, execution, source.manifest)
        prove_source(record, source, request.env)
        _tell_loss(execution, source.manifest)
        record.stage_name = "confirm"
        request.confirm()
        if half is None:
            back_up(execution, rows=survey.plan.current)
        else:
            record.warn(
                f"no backup of the present state is taken: it is a part of {half.backup or 'a backup'}, left by the"
                f" restore begun {half.begun}; the state of before that lies in a backup of that time"
            )
        record.stage_name = "restore"
        execution.restoring = Restoring(
            backup=source.manifest.name, is_snapshot=source.manifest.backend in SNAPSHOTS
        )
        change_database(execution, survey, lambda: _bring_back(execution, source))


def _plan(history: History, execution: Execution, manifest: Manifest) -> Survey:
    rows = read_version_rows(
        execution.database, history.version_table, history.version_table_schema
    )
    plan = Plan(current=rows.rows, target=manifest.heads, pending=(), direction="restore")
    execution.record.plan = plan
    return Survey(history=history, rows=rows, plan=plan)


def _tell_loss(execution: Execution, manifest: Manifest) -> None:
    for sentence in tell_loss(execution.database, execution.ledger, manifest):
        execution.record.warn(sentence)


def _bring_back(execution: Execution, source: Source) -> None:
    """Load the archive, compare, and give the ledger that came with it back what it had lost."""
    record, ledger = execution.record, execution.ledger
    this_run = ledger.rows_of_run(record.run.run_id)
    _save_history(execution, source)
    with record.stage("restore") as note:
        load_archive(execution, source)
        if execution.restoring is not None:
            execution.restoring.is_loaded = True
        note.result = f"{source.manifest.archive} loaded"
    with record.stage("compare") as note:
        record.outcome = Outcome.UNVERIFIED  # whatever fails from here on, the database was changed
        compared = check_restored(execution.database, source.manifest)
        copies = read_copies(source.store, execution.environment.record_name)
        fork = heal_fork(
            ledger,
            copies,
            lambda row: is_later(row, source.manifest),
            is_inside=not execution.environment.ledger_url,
        )
        if record.run.run_id not in ledger.outcomes():
            ledger.add_rows(this_run)
        note.result = f"{compared}; {len(fork.undone)} executed revisions are undone"
    record.outcome = Outcome.FAILED  # until a fresh connection has read the version rows


def _save_history(execution: Execution, source: Source) -> None:
    """Copy what only the ledger knows beside the backups, before the ledger goes back in time with its database."""
    try:
        copies = read_copies(source.store, execution.environment.record_name)
        copy_missing(execution.ledger, copies, source.store)
    except CiMigrateError as exc:
        execution.record.warn(
            f"what only the ledger knows could not be saved before the restore: {exc.message}"
        )
