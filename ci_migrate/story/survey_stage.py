"""The first stages of every story on a project: its history, also one that only the project itself can tell."""

from __future__ import annotations

from ci_migrate.database.catalog import list_tables
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.execution import Execution
from ci_migrate.survey import History, Survey, survey_database
from ci_migrate.untold import refuse_untold_command


def survey_project(history: History, execution: Execution) -> Survey:
    """Return the history against the database; one that is not readable as text is asked of the project.

    Then the backup comes first: importing a project can change its database.
    """
    if history.unreadable:
        migrations = execution.environment.migrations
        refuse_untold_command(migrations, history)
        survey = None if migrations.upgrade_command else _ask_project(history, execution)
        if survey is not None:
            return survey
    return survey_database(history, execution.database, expect=execution.expect_upgrade)


def _ask_project(history: History, execution: Execution) -> Survey | None:
    if list_tables(execution.database):
        back_up(execution, rows=())
    return execution.open_project(history).survey
