"""`status`: where each environment is; one that cannot be asked says why."""

from __future__ import annotations

from collections.abc import Mapping

from ci_migrate.config.environment import Environment
from ci_migrate.database.engine import Database
from ci_migrate.models import EnvironmentStatus
from ci_migrate.preflight import open_ledger
from ci_migrate.survey import read_files, survey_database


def read_status(environment: Environment, env: Mapping[str, str]) -> EnvironmentStatus:
    """Return the state of an environment, seen from the files of the work tree; changes nothing.

    Raises DatabaseUnreachableError and ProjectError.
    """
    history = read_files(environment, env)
    database = Database(environment.url, root=environment.root)
    survey = survey_database(history, database)
    runs = open_ledger(environment, database).runs(newest=1)
    return EnvironmentStatus(
        name=environment.name,
        current=survey.plan.current,
        pending=tuple(pending.revision for pending in survey.plan.pending),
        unknown=() if history.unreadable else history.graph.unknown(survey.plan.current),
        unreadable="; ".join(history.unreadable),
        last_run=runs[0] if runs else None,
    )
