"""Proof that heads may be merged: whatever their order, the schema is the same."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.database.catalog import Snapshot
from ci_migrate.database.comparison import compare_schemas
from ci_migrate.errors import ProofError
from ci_migrate.rehearsal.trial import TrialRequest, open_trial

MOST_DIFFERENCES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was built, and how often."""

    orders: tuple[tuple[str, ...], ...]
    facts: int
    """Facts of the catalog that were the same in all of them."""

    def describe(self) -> str:
        """Return the proof in one sentence."""
        return (
            f"{len(self.orders)} orders built on scratch databases give the same schema"
            f" ({self.facts} facts of the catalog)"
        )


def list_orders(heads: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the orders that are built: each head comes first once, and before each other one at least once."""
    return tuple(heads[at:] + heads[:at] for at in range(len(heads)))


def prove_orders(request: TrialRequest, heads: tuple[str, ...]) -> Proof:
    """Build the history on scratch databases with the heads in each order, and compare the schemas.

    Raises ProofError when a revision fails in one of the orders, or the schemas differ.
    """
    orders = list_orders(heads)
    first: Snapshot | None = None
    for order in orders:
        request.observer.note(f"building {', then '.join(order)}")
        with open_trial(request) as trial:
            trial.upgrade(order)
            schema = trial.schema()
        if first is None:
            first = schema
        else:
            _refuse_differences(first, schema, orders[0], order)
    return Proof(orders=orders, facts=len(first.facts) if first else 0)


def _refuse_differences(
    first: Snapshot, second: Snapshot, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    differences = compare_schemas(first, second)
    if not differences:
        return
    names = _name(one), _name(other)
    lines = [item.describe(*names) for item in differences[:MOST_DIFFERENCES]]
    raise ProofError(
        "the order of the heads matters, so a merge would leave two kinds of databases:\n"
        + "\n".join(lines),
        next_step="Give them an order: ci-migrate rebase REVISION puts one branch after the other. Or change"
        " one of the revisions so that both orders end the same.",
    )


def _name(order: tuple[str, ...]) -> str:
    return " before ".join(order) if len(order) == 2 else f"the order {', '.join(order)}"
