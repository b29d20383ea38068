"""Stage `github`: GitHub is told what an environment has executed, where a later one asks it for that."""

from __future__ import annotations

from collections.abc import Mapping

from ci_migrate.config.environment import Environment
from ci_migrate.errors import CiMigrateError, InterruptedRunError
from ci_migrate.evidence.github_record import write_failure, write_record
from ci_migrate.github.rest import open_github
from ci_migrate.models import Outcome
from ci_migrate.story.execution import Execution
from ci_migrate.story.record import RunRecord
from ci_migrate.words import counted

_FAILED = {
    Outcome.FAILED: "failed, the database is unchanged",
    Outcome.PARTIAL: "failed, the database was changed",
    Outcome.UNVERIFIED: "is not verified",
}
_TOLD = {"promote", "rollback"}


def tell_github(execution: Execution) -> None:
    """Bring the deployments at GitHub up to what the ledger says; a failure is only a warning."""
    environment, record = execution.environment, execution.record
    if not environment.records_at_github:
        return
    try:
        with record.stage("github") as note:
            github = open_github(execution.env)
            made = write_record(
                github,
                environment.name,
                record.run,
                execution.ledger.evidence(),
                environment.ledger_project,
            )
            note.result = f"{counted(made, 'deployment')} recorded"
    except CiMigrateError as exc:
        record.warn(
            f"GitHub was not told what {environment.name} has executed, the next run will: {exc.message}"
        )


def tell_failure(environment: Environment, env: Mapping[str, str], record: RunRecord) -> None:
    """Leave a deployment that failed for a run that did; that this fails is only a warning.

    A run that was stopped has no time for it: the runner ends it.
    """
    what, failure = _FAILED.get(record.outcome), record.failure
    if what is None or failure is None or failure.kind == InterruptedRunError.kind:
        return
    if not environment.records_at_github or record.command not in _TOLD:
        return
    failed = {
        "command": record.command,
        "outcome": record.outcome.value,
        "revision": failure.revision,
    }
    try:
        with record.stage("github") as note:
            description = f"{record.command} {what}"
            write_failure(open_github(env), environment.name, record.run, description, failed)
            note.result = "a deployment that failed recorded"
    except CiMigrateError as exc:
        record.warn(f"GitHub was not told of the failure: {exc.message}")
