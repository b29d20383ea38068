"""A plan as lines for the console."""

from __future__ import annotations

from collections.abc import Iterator

from ci_migrate.models import GateOutcome, GateResult, Promotion
from ci_migrate.redact import one_line
from ci_migrate.report.foreseen_text import describe_forecast
from ci_migrate.report.prose import is_unseen, short_list
from ci_migrate.words import counted


def plan_lines(promotion: Promotion) -> Iterator[str]:
    """Yield the plan: where the database is, each pending revision, each gate."""
    count = len(promotion.pending)
    if is_unseen(promotion):
        current = pending_words = "not known, the database was not asked"
    else:
        current = _told(promotion, "current", short_list(promotion.current))
        nothing = counted(count, "revision") if count else "nothing"
        pending_words = _told(promotion, "pending", nothing)
    yield f"environment  {promotion.environment}"
    yield f"current      {current}"
    yield f"target       {_told(promotion, 'target', short_list(promotion.target))}"
    yield f"pending      {pending_words}"
    for pending in promotion.pending:
        yield f"             {pending.revision}  {one_line(pending.message)}"
        indent = " " * (15 + len(pending.revision))
        if pending.file:
            yield f"{indent}{pending.file}"
        yield indent + (
            "atomic: a failure leaves nothing of it"
            if pending.content.atomic
            else f"NOT ATOMIC: {pending.content.why_not_atomic}"
        )
    if promotion.forecast:
        yield f"forecast     {describe_forecast(promotion.forecast, promotion)}"
    for at, gate in enumerate(promotion.gates):
        yield f"{'' if at else 'gates':<13}{gate.name:<12} {_answer(gate)}"


def _told(promotion: Promotion, what: str, words: str) -> str:
    """Return the words for a part of the plan, unless only the project could tell it."""
    return "not known before the project is asked" if what in promotion.untold else words


def _answer(gate: GateResult) -> str:
    if gate.outcome is GateOutcome.FAILED:
        # What failed is told in full below, with what to do next.
        return "FAILED"
    return f"{gate.outcome.value:<8} {one_line(gate.message)}"
