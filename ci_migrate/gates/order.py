"""Gate `order`: the environment before has executed each pending revision, with the same content."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult, PendingRevision

NAME = "order"


def check(inputs: GateInputs) -> GateResult:
    """Fail when a pending revision has no ledger evidence in `promote_from`."""
    before = inputs.promote_from
    if before is None:
        message = "first environment: nothing comes before it"
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message=message)
    if not inputs.plan.pending:
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message="nothing is pending")
    if inputs.evidence_problem:
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message=f"the ledger of {before} cannot be read: {inputs.evidence_problem}",
            next_step=f"Give this run the URL of {before} (a role that may only read its ledger is enough).",
        )
    missing = [text for text in (_missing(p, inputs, before) for p in inputs.plan.pending) if text]
    if missing:
        more = f"\nand {len(missing) - 5} more" if len(missing) > 5 else ""
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message="\n".join(missing[:5]) + more,
            next_step=f"Promote {before} to these revisions with ci-migrate first, then run this again.",
        )
    count = len(inputs.plan.pending)
    message = f"{before} executed {'it' if count == 1 else f'all {count}'}, with the same content"
    return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=message)


def _missing(pending: PendingRevision, inputs: GateInputs, before: str) -> str | None:
    name = f"{pending.revision} '{pending.message}'" if pending.message else pending.revision
    found = inputs.evidence.get(pending.revision)
    if found is None:
        return f"{before} has not executed {name}"
    if not pending.content_hash:
        return f"the source of {name} cannot be read, so it cannot be compared with what {before} executed"
    if found.content_hash != pending.content_hash:
        return f"{before} executed another version of {name} on {found.finished_at}"
    return None
