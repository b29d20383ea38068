"""After a failure on a database that was empty: what the revisions, or the project's command, may have expected."""

from __future__ import annotations

from itertools import takewhile

from ci_migrate.database.ledger_table import LEDGER_TABLE
from ci_migrate.models import Failure, Plan
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.revisions.touched_tables import find_touched_tables
from ci_migrate.story.aftermath import State

LEDGER_IN_THE_WAY = (
    f"The database was empty but for {LEDGER_TABLE}, which is written before anything runs: if the command makes the"
    " schema only in an empty database, keep the ledger in another one (`ledger.url`) and drop that table. "
)
"""Before what is said of a command of the project's own that failed there."""


def is_empty(state: State) -> bool:
    """Return whether a database held no table but our own and a version table without a row."""
    return not state.rows and not state.snapshot.has_tables


def advise_on_missing_schema(before: State, after: State, plan: Plan, failure: Failure) -> str:
    """Return what to say first where a history may not begin with an empty database; else nothing.

    It may be so when the first revision that names a table fails on an empty database.
    """
    if plan.direction != "upgrade" or failure.kind != "upgrade" or not is_empty(before):
        return ""
    earlier = takewhile(lambda item: item.revision != failure.revision, plan.pending)
    if failure.revision is None or any(map(_names_tables, earlier)):
        return ""
    rest = "Either way" if after.snapshot.has_tables else "Otherwise"
    return (
        f"The database was empty when this run began. If {failure.revision} expects tables that no revision makes,"
        " the history begins with a schema that something else makes (a command of the project, create_all): make"
        " that in the empty database first, with the version row of what it holds (`alembic stamp`), and start the"
        f" run again; or let the project's own command migrate: `migrations.command`. {rest}: "
    )


def _names_tables(item: PendingRevision) -> bool:
    return "create_all" in item.source or bool(find_touched_tables(item.source, item.file))
