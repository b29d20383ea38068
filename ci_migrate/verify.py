"""After the change: a fresh connection must see the target."""

from __future__ import annotations

from ci_migrate.errors import NotVerifiedError
from ci_migrate.models import Plan
from ci_migrate.revisions.graph import Graph


def is_at_target(rows: tuple[str, ...], plan: Plan, graph: Graph) -> bool:
    """Return whether version rows are where the plan leads.

    An upgrade may find more than its target, by `depends_on`; what goes back goes to exactly these rows.
    """
    if plan.direction != "upgrade":
        return sorted(rows) == sorted(plan.target)
    return not graph.unknown(rows) and not graph.pending(rows, plan.target)


def verify_target(
    rows: tuple[str, ...], plan: Plan, graph: Graph, *, external_transaction: bool
) -> None:
    """Raise NotVerifiedError unless the version rows are where the plan leads."""
    if is_at_target(rows, plan, graph):
        return
    found, wanted = ", ".join(rows) or "no row", ", ".join(plan.target) or "no row"
    if external_transaction:
        reason = (
            " env.py ran SQL before it called context.configure: with SQLAlchemy 2 that opens a"
            " transaction which nobody commits, so Alembic reports every revision and keeps none."
        )
        next_step = (
            "Commit before configuring (`connection.commit()` in front of `context.configure`), or run that"
            " SQL on a connection of its own; then push again."
        )
    elif rows == plan.current:
        reason = " The database is as it was before: what was run may have worked on another one."
        next_step = (
            "See where it takes its database from: `migrations.url_env` and `migrations.env` hand this environment's"
            " URL over. Then start the run again."
        )
    else:
        reason = ""
        next_step = (
            "Compare the version table with the revisions by hand before you run anything else."
        )
    raise NotVerifiedError(
        f"the {plan.direction} reported success, but a fresh connection reads {found} instead of {wanted}.{reason}",
        next_step=next_step,
    )
