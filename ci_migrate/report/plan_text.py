"""A plan as lines for the console."""

from __future__ import annotations

from collections.abc import Iterator

from ci_migrate.models import Promotion
from ci_migrate.redact import one_line
from ci_migrate.report.prose import short_list


def plan_lines(promotion: Promotion) -> Iterator[str]:
    """Yield the plan: where the database is, each pending revision, each gate."""
    yield f"environment  {promotion.environment}"
    yield f"current      {short_list(promotion.current)}"
    yield f"target       {short_list(promotion.target)}"
    yield f"pending      {len(promotion.pending) or 'nothing'}"
    for pending in promotion.pending:
        yield f"  {pending.revision}  {one_line(pending.message)}"
        if pending.file:
            yield f"      {pending.file}"
        yield "      " + (
            "atomic: a failure leaves nothing of it"
            if pending.atomic
            else (f"NOT ATOMIC: {pending.why_not_atomic}")
        )
    for gate in promotion.gates:
        yield f"gate {gate.name:<12} {gate.outcome.value:<8} {one_line(gate.message)}"
