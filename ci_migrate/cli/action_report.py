"""What the action leaves of a command that ended before it could report: annotation, summary and outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci_migrate.redact import Redactor


def is_action(env: Mapping[str, str]) -> bool:
    """Return whether this is a step of the action."""
    return "CI_MIGRATE_COMMAND" in env and env.get("GITHUB_ACTIONS") == "true"


def report_early_failure(
    message: str, next_step: str | None, *, kind: str, exit_code: int, redactor: Redactor
) -> None:
    """Tell a failure of the command line or the configuration to every reporter of the runner."""
    from ci_migrate.cli.world import current_world, installed_versions
    from ci_migrate.errors import ExitCode
    from ci_migrate.models import Failure, Outcome, Promotion
    from ci_migrate.report.send import send_reports

    world = current_world(None)
    promotion = Promotion(
        outcome=Outcome.FAILED,
        command=(os.environ["CI_MIGRATE_COMMAND"].split() or [""])[0],
        environment=None,
        run=world.run_info(None),
        failure=Failure(
            stage="configuration",
            kind=kind,
            message=redactor.clean(message),
            exit_code=ExitCode(exit_code),
            next=redactor.clean(next_step) if next_step else None,
        ),
        versions=installed_versions(),
    )
    send_reports(promotion, world.reporters(None, None))
