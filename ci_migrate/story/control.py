"""The run's hand on an upgrade that goes on: the lock, the record of what lasts, and the stop."""

from __future__ import annotations

from collections.abc import Callable

from ci_migrate.database.cancel import cancel_statement
from ci_migrate.database.patience import ask_within
from ci_migrate.database.strays import Strays, cancel_strays, wait_for_strays
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


def build_control(execution: Execution, strays: Strays) -> Control:
    """Return what the upgrade of this run needs of it; `strays` are known since before it began."""
    lock = execution.lock
    patience = Patience(
        execution.environment.probe_timeout, execution.record.observer.note, is_loaded=True
    )
    return Control(
        refuse=lambda: "" if lock.is_held() else LOST_LOCK,
        leave=LEAVE_SECONDS,
        keep=_keep_by(execution),
        cancel=lambda number: cancel_project(execution, number),
        wait_for_end=lambda number: wait_for_project(execution, strays, number),
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


def cancel_project(execution: Execution, number: int | None) -> tuple[str, ...]:
    """Cancel what the project's sessions run; return the statements of those but the one with that number.

    Behind a pooler none can be told from somebody else's.
    """
    database, session = execution.database, execution.lock.session

    def cancel() -> tuple[str, ...]:
        if number is not None:
            cancel_statement(database, number, session=session)
        if execution.environment.lock_url != execution.environment.url:
            return ()
        return cancel_strays(database, execution.sign, but=number, session=session)

    try:
        return ask_within(CANCEL_SECONDS, cancel)
    except CiMigrateError:
        return ()  # the server is gone, and the statements with it or out of reach


def wait_for_project(
    execution: Execution, strays: Strays, number: int | None = None
) -> dict[int, str]:
    """Wait until the server does nothing more for a project that has ended; return what still runs, by session."""
    database = execution.database
    try:
        return ask_within(
            END_SECONDS + 1, lambda: wait_for_strays(database, strays, number, END_SECONDS)
        )
    except CiMigrateError:
        return {} if number is None else {number: ""}
