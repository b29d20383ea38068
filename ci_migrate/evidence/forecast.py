"""How long the pending revisions are likely to take, and which locks: by a rehearsal, or by the environment before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ci_migrate.config.environment import Environment
from ci_migrate.errors import CiMigrateError
from ci_migrate.evidence.sources import Before, open_ledger_of, place_of
from ci_migrate.foreseen import Forecast, LockSeen, Rehearsal, RehearsedRevision
from ci_migrate.models import Plan


def forecast_of_rehearsal(rehearsal: Rehearsal) -> Forecast:
    """Return what a rehearsal of this very run leads to expect."""
    return Forecast(source="the rehearsal", revisions=rehearsal.revisions)


def read_forecast(environment: Environment, before: Before | None, plan: Plan) -> Forecast | None:
    """Return what the ledger of the environment before tells of the pending revisions; None for nothing."""
    if before is None or not plan.pending:
        return None
    try:
        timings = open_ledger_of(place_of(environment), before).upgrades()
    except CiMigrateError:
        return None  # the gate `order` tells of a ledger that cannot be read
    found = [timings[item.revision] for item in plan.pending if item.revision in timings]
    if not found:
        return None
    day = max(str(row["finished_at"] or "")[:10] for row in found)
    return Forecast(
        source=f"{before.name}, {day}", revisions=tuple(_revision_of(row) for row in found)
    )


def encode_rehearsal(rehearsal: Rehearsal | None) -> dict[str, str]:
    """Return what the ledger keeps of a rehearsal: JSON text by revision."""
    if rehearsal is None:
        return {}
    how = {"round_trip": rehearsal.round_trip}
    return {
        item.revision: json.dumps({"rehearsal": {**_plain(item), **how}})
        for item in rehearsal.revisions
    }


def _plain(item: RehearsedRevision) -> dict[str, Any]:
    locks = item.locks
    return {
        "seconds": item.seconds,
        "statements": item.statements,
        "locks": None if locks is None else [[k.table, k.mode, k.seconds] for k in locks],
    }


def _revision_of(row: Mapping[str, Any]) -> RehearsedRevision:
    kept = json.loads(row["detail"] or "{}").get("rehearsal") or {}
    revision, locks = str(row["revision"]), kept.get("locks")
    return RehearsedRevision(
        revision=revision,
        # Real seconds tell more than rehearsed ones.
        seconds=row["seconds"] if row["seconds"] is not None else kept.get("seconds"),
        statements=int(kept.get("statements") or 0),
        locks=None
        if locks is None
        else tuple(LockSeen(revision=revision, table=t, mode=m, seconds=s) for t, m, s in locks),
    )
