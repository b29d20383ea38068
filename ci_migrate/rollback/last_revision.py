"""The revision of a database that ran last, with all that is known of it and of its way back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci_migrate.errors import BlockedError
from ci_migrate.ledger.executed import applied_in_order
from ci_migrate.ledger.facts import Executed, read_backup
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Backup, Plan
from ci_migrate.pending_revision import Content, PendingRevision
from ci_migrate.revisions.content import is_same_upgrade
from ci_migrate.revisions.pending import describe_pending
from ci_migrate.revisions.way_back import WayBack, read_way_back
from ci_migrate.rollback.plan import choose_revision, plan_rollback
from ci_migrate.survey import Survey, surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of the revision that ran last."""

    executed: Executed
    plan: Plan
    """Takes it back."""
    way_back: WayBack
    run: Mapping[str, Any]
    """The ledger's row of the run that applied it, with its `revisions`."""
    backup: Backup | None
    """The backup of that run."""
    warning: str = ""

    @property
    def pending(self) -> PendingRevision:
        """The revision as its file is now."""
        return self.plan.pending[0]


def find_last(survey: Survey, ledger: Ledger, dialect: str, expect: str | None) -> Found:
    """Return the revision that ran last; raises BlockedError when it is not certain which that is.

    `expect` is the revision that the caller means. The file must be what ran here, but for its downgrade().
    """
    graph, rows, root = survey.history.graph, survey.plan.current, survey.history.project.root
    around = surroundings_of(survey.history.project)
    executed = choose_revision(graph, rows, applied_in_order(ledger.executions()), expect)
    plan = plan_rollback(
        graph,
        rows,
        executed.revision,
        lambda r: describe_pending(r, root, dialect, around, "downgrade"),
    )
    pending, run = plan.pending[0], ledger.run(executed.run_id)
    return Found(
        executed=executed,
        plan=plan,
        way_back=_read_way_back(pending),
        run=run,
        backup=read_backup(run),
        warning=_compare(pending, executed, ledger),
    )


def find_for_advice(survey: Survey, ledger: Ledger, dialect: str, expect: str | None) -> Found:
    """Return the revision that ran last also where its file is gone or says something else: other ways need no file.

    Raises BlockedError when the ledger knows of none, or of another one than `expect`.
    """
    try:
        return find_last(survey, ledger, dialect, expect)
    except BlockedError as exc:
        applied = applied_in_order(ledger.executions())
        if not applied or expect not in (None, applied[-1].revision):
            raise
        executed, rows = applied[-1], survey.plan.current
        problem = WayBack(problem=f"cannot be taken back from here: {exc.message}")
    run = ledger.run(executed.run_id)
    lost = PendingRevision(
        revision=executed.revision,
        message="",
        file=None,
        parents=(),
        source="",
        read_content=lambda: Content(content_hash="", atomic=True),
    )
    plan = Plan(current=rows, target=rows, pending=(lost,), direction="downgrade")
    return Found(executed=executed, plan=plan, way_back=problem, run=run, backup=read_backup(run))


def _read_way_back(pending: PendingRevision) -> WayBack:
    if not pending.content.content_hash:
        return WayBack(problem="has a file that cannot be read as text")
    return read_way_back(pending.source, pending.file)


def _compare(pending: PendingRevision, executed: Executed, ledger: Ledger) -> str:
    """Return a warning when the downgrade was edited since; raise when the upgrade was."""
    if not pending.content.content_hash or pending.is_known_as(executed.content_hash):
        return ""
    ran = {item.revision: item.source for item in ledger.executed()}.get(executed.revision)
    if ran and is_same_upgrade(ran, pending.source):
        return (
            f"the downgrade() of {pending.revision} was edited since the revision ran here on"
            f" {executed.when}: the edited one counts"
        )
    words = ["git", "checkout", executed.commit or "", "--", pending.file or ""]
    at = f" ({shlex.join(words)})" if executed.commit and pending.file else ""
    raise BlockedError(
        f"{pending.file} was edited since {pending.revision} ran here on {executed.when}: what it would"
        " take back is not what is in the database",
        next_step=f"Bring the old content back{at}, and run this again. Once it is rolled back wherever it ran,"
        " the file may be corrected.",
    )
