"""`status`: where each environment is; one that cannot be asked says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.environment_status import EnvironmentStatus, HeldRevision
from ci_migrate.errors import DatabaseUnreachableError, LedgerError
from ci_migrate.ledger.executed import held_revisions
from ci_migrate.ledger.facts import Executed
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.preflight import find_running, find_unfinished, open_ledger
from ci_migrate.story.restoring import refuse_half_restored
from ci_migrate.survey import Survey, problems_of, read_files, survey_database


def read_status(environment: Environment, env: Mapping[str, str]) -> EnvironmentStatus:
    """Return the state of an environment, seen from the files of the work tree; changes nothing.

    A ledger that cannot be read is told in it. Raises DatabaseUnreachableError, ProjectError, and HalfRestoredError.
    """
    history = read_files(environment, env)
    database = Database(environment.url, root=environment.root)
    refuse_half_restored(database, environment.name)
    survey = survey_database(history, database)
    untold = history.untold
    status = EnvironmentStatus(
        name=environment.name,
        current=() if "current" in untold else survey.plan.current,
        pending=() if untold else tuple(pending.revision for pending in survey.plan.pending),
        unknown=() if untold else history.graph.unknown(survey.plan.current),
        defects=tuple(problem.message for problem in problems_of(survey)),
        unreadable="; ".join(history.unreadable),
        untold=tuple(sorted(untold & {"current", "pending"})),
    )
    try:
        ledger = open_ledger(environment, database)
        running = find_running(environment, ledger)
        return _add_record(replace(status, running=running), survey, ledger)
    except (DatabaseUnreachableError, LedgerError) as exc:
        return replace(status, ledger_problem=exc.message)


def _add_record(status: EnvironmentStatus, survey: Survey, ledger: Ledger) -> EnvironmentStatus:
    """Return the state of an environment with what its ledger knows."""
    runs, held = ledger.runs(newest=1), held_revisions(ledger.executions())
    is_open = bool(status.running or status.untold)
    return replace(
        status,
        unfinished=() if is_open else find_unfinished(survey, ledger),
        held=tuple(
            HeldRevision(
                revision=item.revision,
                message=item.message,
                since=item.finished_at,
                state=state,
                run_url=item.run_url,
            )
            for item in held.values()
            if (state := _state_of(item, survey))
        ),
        last_run=runs[0] if runs else None,
    )


def _state_of(held: Executed, survey: Survey) -> str:
    """Return what a promotion by these files would make of a revision; empty when it is in the database anyway."""
    if survey.history.untold:
        return "unknown"
    pending = next((p for p in survey.plan.pending if p.revision == held.revision), None)
    if pending is not None:
        return "blocks" if pending.is_known_as(held.content_hash) else "changed"
    return "" if held.revision in survey.history.graph.revisions else "absent"
