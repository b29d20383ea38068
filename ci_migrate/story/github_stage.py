"""Stage `github`: GitHub is told what an environment has executed, where a later one asks it for that."""

from __future__ import annotations

from ci_migrate.errors import CiMigrateError
from ci_migrate.evidence.github_record import write_record
from ci_migrate.github.rest import open_github
from ci_migrate.story.execution import Execution


def tell_github(execution: Execution) -> None:
    """Bring the deployments at GitHub up to what the ledger says; a failure is only a warning."""
    environment, record = execution.environment, execution.record
    if not environment.records_at_github:
        return
    try:
        with record.stage("github") as note:
            github = open_github(execution.env)
            made = write_record(github, environment.name, record.run, execution.ledger.evidence())
            note.result = f"{made} deployment{'' if made == 1 else 's'} recorded"
    except CiMigrateError as exc:
        record.warn(
            f"GitHub was not told what {environment.name} has executed, the next run will: {exc.message}"
        )
