"""After the change: a fresh connection must see the target."""

from __future__ import annotations

from collections.abc import Sequence

from ci_migrate.errors import NotVerifiedError
from ci_migrate.models import Plan, Remains
from ci_migrate.remains import describe_remains
from ci_migrate.revisions.graph import Graph


def is_at_target(rows: tuple[str, ...], plan: Plan, graph: Graph) -> bool:
    """Return whether version rows are where the plan leads.

    An upgrade may find more than its target, by `depends_on`; what goes back goes to exactly these rows.
    """
    if plan.direction != "upgrade":
        return sorted(rows) == sorted(plan.target)
    return not graph.unknown(rows) and not graph.pending(rows, plan.target)


def verify_target(
    rows: tuple[str, ...],
    plan: Plan,
    graph: Graph,
    *,
    external_transaction: bool,
    left: Sequence[Remains] = (),
    restore: str = "",
) -> None:
    """Raise NotVerifiedError unless the version rows are where the plan leads.

    `left` is what revisions have done that lasts although the version rows do not show them, `restore` the command
    that brings the backup back.
    """
    if is_at_target(rows, plan, graph):
        return
    found, wanted = ", ".join(rows) or "no row", ", ".join(plan.target) or "no row"
    reason, cure = _explain(external_transaction, is_as_before=rows == plan.current, left=left)
    lines = "".join(f"\n{describe_remains(item)}" for item in left)
    raise NotVerifiedError(
        f"the {plan.direction} reported success, but a fresh connection reads {found} instead of"
        f" {wanted}.{reason}{lines}",
        next_step=_advise_left(left, cure, restore) if left else f"{cure[0].upper()}{cure[1:]}.",
    )


def _explain(
    external_transaction: bool, *, is_as_before: bool, left: Sequence[Remains]
) -> tuple[str, str]:
    """Return why the version rows are not at the target, as far as it is known, and what to do about it."""
    if external_transaction:
        kept = "keeps only what the database commits by itself" if left else "keeps none"
        reason = (
            " env.py ran SQL before it called context.configure: with SQLAlchemy 2 that opens a"
            f" transaction which nobody commits, so Alembic reports every revision and {kept}."
        )
        cure = (
            "commit before configuring (`connection.commit()` in front of `context.configure`), or run that"
            " SQL on a connection of its own; then push again"
        )
    elif is_as_before and not left:
        reason = " The database is as it was before: what was run may have worked on another one."
        cure = (
            "see where it takes its database from: `migrations.url_env` and `migrations.env` hand this environment's"
            " URL over. Then start the run again"
        )
    else:
        reason = ""
        cure = "compare the version table with the revisions by hand before you run anything else"
    return reason, cure


def _advise_left(left: Sequence[Remains], cure: str, restore: str) -> str:
    names = ", ".join(item.revision for item in left)
    otherwise = (
        f"Bring the backup back otherwise:\n{restore}\nThen"
        if restore
        else "Undo these statements by hand otherwise, and"
    )
    return (
        f"Parts of {names} are in the database, and the next run is blocked by them. See which, and whether they can"
        f" surely be undone or finished: ci-migrate recover --dry-run. {otherwise} {cure}."
    )
