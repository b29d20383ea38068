"""The rows of the ledger, made from the values of a run: pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ci_migrate.errors import InterruptedRunError, ProjectError
from ci_migrate.models import Backup, GateOutcome, GateResult, Outcome, Plan, Promotion
from ci_migrate.remains import only_carried
from ci_migrate.revisions.content import content_hash

STARTED = "started"
"""Outcome of a run that has begun and not ended."""
INTERRUPTED = "interrupted"
"""Of one that was stopped or cut off, and is not told as a failure."""
RUN_ENDING = ("outcome", "finished_at", "seconds", "to_rows", "failure", "detail")
REVISION_ENDING = ("outcome", "finished_at", "seconds", "content_hash")
"""Columns that are written when a run ends."""


def begun_rows(
    common: Mapping[str, Any],
    plan: Plan,
    backup: Backup | None,
    versions: Mapping[str, str],
    gates: Iterable[GateResult],
    details: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return the row of a run that begins, those of its revisions and of its overridden gates, with equal keys.

    `details` are JSON texts by revision.
    """
    run = {
        **common,
        "kind": "run",
        "outcome": STARTED,
        "from_rows": json.dumps(plan.current),
        "to_rows": json.dumps(plan.target),
        "backup": json.dumps(_backup_record(backup)) if backup else None,
        "versions": json.dumps(dict(versions)),
    }
    return _padded([run, *_revision_rows(common, plan, details), *_override_rows(common, gates)])


def run_ending(
    promotion: Promotion, now: str, remains: str | None, *, is_seen: bool
) -> dict[str, Any]:
    """Return what changes in the row of a run when it ends; `remains` and `is_seen` as in `Ledger.finish_run`."""
    failure = promotion.failure
    record: dict[str, object] | None = None
    if failure is not None:
        record = {"kind": failure.kind, "message": failure.message, "is_seen": is_seen}
    return {
        "outcome": _word_of(promotion),
        "finished_at": now,
        "seconds": promotion.seconds,
        "to_rows": json.dumps(promotion.reached),
        "failure": json.dumps(record) if record else None,
        "detail": remains,
    }


def revision_ending(
    is_done: bool, seconds: float | None, now: str, content_hash: str
) -> dict[str, Any]:
    """Return what changes in the row of one revision when its run ends."""
    ending: dict[str, Any] = {"finished_at": now, "content_hash": content_hash}
    if is_done:
        return {"outcome": "executed", "seconds": seconds, **ending}
    return {"outcome": "not-executed", **ending}


def hash_of_row(row: Mapping[str, Any]) -> str:
    """Return the hash in a revision's row; worked out from its source where the run was cut off before it knew it."""
    if row["content_hash"] is not None or not row["source"]:
        return row["content_hash"] or ""
    try:
        return content_hash(row["source"])
    except ProjectError:  # it is no Python
        return ""


def ending_of(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return what the rows of a run, itself first, say of its end: of the run, and of its revisions by id."""
    revisions = {
        str(row["revision"]): {name: row[name] for name in REVISION_ENDING}
        for row in rows
        if row["kind"] == "revision"
    }
    return {name: rows[0][name] for name in RUN_ENDING}, revisions


def without_remains(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of a run, itself first, after whose begin the database was restored: nothing of it is left.

    What it carried of earlier runs was in the database when it began.
    """
    run = {**rows[0], "detail": only_carried(rows[0]["detail"])}
    if run["failure"]:
        run["failure"] = json.dumps({**json.loads(run["failure"]), "is_restored": True})
    return [run, *rows[1:]]


def _revision_rows(
    common: Mapping[str, Any], plan: Plan, details: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows of the revisions that are to run; a hash that nobody has asked for follows at the end."""
    return [
        {
            **common,
            "kind": "revision",
            "outcome": "planned",
            "revision": pending.revision,
            "direction": plan.direction,
            "parents": json.dumps(pending.parents),
            "message": pending.message,
            "content_hash": pending.content.content_hash if pending.is_read else None,
            "source": pending.source,
            "detail": details.get(pending.revision),
        }
        for pending in plan.pending
    ]


def _override_rows(common: Mapping[str, Any], gates: Iterable[GateResult]) -> list[dict[str, Any]]:
    return [
        {
            **common,
            "kind": "override",
            "outcome": gate.name,
            "message": gate.reason,
            "detail": gate.message,
        }
        for gate in gates
        if gate.outcome is GateOutcome.OVERRIDDEN
    ]


def _padded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = {name for row in rows for name in row}
    return [{name: row.get(name) for name in names} for row in rows]


def _backup_record(backup: Backup) -> dict[str, Any]:
    return {
        "backend": backup.backend,
        "location": backup.location,
        "bytes": backup.bytes,
        "sha256": backup.sha256,
        "properties": dict(backup.properties),
    }


def _word_of(promotion: Promotion) -> str:
    """Return the run's outcome; one that was stopped before it changed anything is not told as a failure."""
    failure = promotion.failure
    if promotion.outcome is Outcome.FAILED and failure and failure.kind == InterruptedRunError.kind:
        return INTERRUPTED
    return promotion.outcome.value
