"""The run's hand on an upgrade that goes on: the lock, the record of what lasts, and the stop."""

from __future__ import annotations

from collections.abc import Callable

from ci_migrate.database.cancel import cancel_statement, wait_for_session
from ci_migrate.database.patience import ask_within
from ci_migrate.errors import CiMigrateError
from ci_migrate.models import Remains
from ci_migrate.remains import encode_remains
from ci_migrate.story.execution import Execution
from ci_migrate.story.watch import LOST_LOCK
from ci_migrate.upgrade.probe import Patience
from ci_migrate.upgrade.run import Control

CANCEL_SECONDS = 2.0
LEAVE_SECONDS = 0.2
"""How old the last look at the lock may be: a history of quick revisions must not wait for one before each."""
END_SECONDS = 5.0
"""How long a server may take to notice that a session's client is gone, or to roll back."""


def build_control(execution: Execution) -> Control:
    """Return what the upgrade of this run needs of it."""
    lock = execution.lock
    patience = Patience(
        execution.environment.probe_timeout, execution.record.observer.note, is_loaded=True
    )
    return Control(
        refuse=lambda: "" if lock.is_held() else LOST_LOCK,
        leave=LEAVE_SECONDS,
        keep=_keep_by(execution),
        cancel=lambda number: _cancel(execution, number),
        wait_for_end=lambda number: _wait_for_end(execution, number),
        await_connection=patience.look,
    )


def _keep_by(execution: Execution) -> Callable[[tuple[Remains, ...]], None]:
    record = execution.record
    broken: list[CiMigrateError] = []

    def keep(remains: tuple[Remains, ...]) -> None:
        if broken:
            return
        text = encode_remains(remains, record.redactor.clean)
        try:
            execution.ledger.note_remains(record.run.run_id, text)
        except CiMigrateError as exc:
            broken.append(exc)
            record.warn(
                "what this revision does cannot be recorded while it runs; should the run be killed, the"
                f" next one would not know what is left of it: {exc.message}"
            )

    return keep


def _cancel(execution: Execution, number: int) -> bool:
    database, session = execution.database, execution.lock.session
    try:
        return ask_within(
            CANCEL_SECONDS, lambda: cancel_statement(database, number, session=session)
        )
    except CiMigrateError:
        return False  # the server is gone, and the statement with it or out of reach


def _wait_for_end(execution: Execution, number: int) -> bool:
    database = execution.database
    try:
        return ask_within(END_SECONDS + 1, lambda: wait_for_session(database, number, END_SECONDS))
    except CiMigrateError:
        return False
