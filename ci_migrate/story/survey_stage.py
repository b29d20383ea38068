"""The first stages of every story on a project: its history, also one that only the project itself can tell."""

from __future__ import annotations

from ci_migrate.config.environment import Environment
from ci_migrate.database.catalog import list_tables
from ci_migrate.errors import ProjectError
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.execution import Execution
from ci_migrate.survey import History, Survey, survey_database


def survey_project(history: History, execution: Execution) -> Survey:
    """Return the history against the database; one that is not readable as text is asked of the project.

    Then the backup comes first: importing a project can change its database.
    """
    if history.unreadable:
        _refuse_unreadable_command(execution.environment, history)
        if list_tables(execution.database):
            back_up(execution, rows=())
        survey = execution.open_project(history).survey
        if survey is not None:
            return survey
    return survey_database(history, execution.database, expect=execution.expect_upgrade)


def _refuse_unreadable_command(environment: Environment, history: History) -> None:
    if environment.migrations.upgrade_command:
        raise ProjectError(
            f"the revisions cannot be read as text: {'; '.join(history.unreadable)}",
            next_step="With `migrations.command` nothing else tells them: name their folders in"
            " `migrations.versions`, and the table in `migrations.version_table`.",
        )
