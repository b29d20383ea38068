"""The result as JSON: for `--json` and the step outputs (docs/reference/result.schema.json)."""

from __future__ import annotations

import json
from typing import Any

from ci_migrate.foreseen import Forecast, Rehearsal, RehearsedRevision
from ci_migrate.github.commands import neutralise, neutralise_json
from ci_migrate.models import AppliedRevision, Backup, Failure, Promotion
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.report.json_text import render_json


def build_result(promotion: Promotion) -> dict[str, Any]:
    """Return the result as plain values, in the order in which it is documented."""
    return {
        "outcome": promotion.outcome.value,
        "command": promotion.command,
        "environment": promotion.environment,
        "branch": promotion.run.branch,
        "from": list(promotion.current),
        "to": list(promotion.target),
        "reached": list(promotion.reached),
        "pending": [_pending(pending) for pending in promotion.pending],
        "applied": [_applied(applied) for applied in promotion.applied],
        "gates": [
            {
                "name": gate.name,
                "outcome": gate.outcome.value,
                "message": gate.message,
                "next": gate.next_step,
                "reason": gate.reason,
            }
            for gate in promotion.gates
        ],
        "backup": _backup(promotion.backup) if promotion.backup else None,
        "rehearsal": _rehearsal(promotion.rehearsal) if promotion.rehearsal else None,
        "forecast": _forecast(promotion.forecast) if promotion.forecast else None,
        "error": _error(promotion.failure) if promotion.failure else None,
        "next": promotion.follow_up,
        "warnings": list(promotion.warnings),
        "seconds": round(promotion.seconds, 3),
        "run": {
            "id": promotion.run.run_id,
            "started": promotion.run.started_at,
            "actor": promotion.run.actor,
            "host": promotion.run.host,
            "commit": promotion.run.commit,
            "url": promotion.run.run_url,
        },
        "versions": dict(promotion.versions),
    }


def render_result(promotion: Promotion) -> str:
    """Return the result as JSON text that ends with a newline."""
    # ASCII only: whatever a branch or a message is made of, every stream and file takes it.
    return render_json(build_result(promotion))


def build_outputs(promotion: Promotion) -> dict[str, str]:
    """Return the step outputs: the keys of the result, arrays and objects as JSON text."""
    result = build_result(promotion)
    result["pending"] = _only(result["pending"], "revision", "message", "file")
    result["applied"] = _only(result["applied"], "revision", "message", "seconds")
    for name in ("environment", "branch"):
        result[name] = result[name] or ""
    for name in ("command", "forecast", "next", "reached", "rehearsal", "run", "warnings"):
        del result[name]
    return {name: _output(value) for name, value in result.items()}


def _only(items: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return of each item only what has these names: outputs have little room."""
    return [{name: item[name] for name in names} for item in items]


def _output(value: object) -> str:
    # The next step may print it.
    if isinstance(value, str):
        return neutralise(value)
    return neutralise_json(json.dumps(value, ensure_ascii=False))


def _pending(pending: PendingRevision) -> dict[str, Any]:
    return {
        "revision": pending.revision,
        "message": pending.message,
        "file": pending.file,
        "atomic": pending.content.atomic,
        "note": pending.content.why_not_atomic or None,
    }


def _applied(applied: AppliedRevision) -> dict[str, Any]:
    return {
        "revision": applied.revision,
        "message": applied.message,
        "seconds": applied.seconds,
        "direction": applied.direction,
        "parents": list(applied.parents),
        "content_hash": applied.content_hash,
    }


def _backup(backup: Backup) -> dict[str, Any]:
    return {
        "backend": backup.backend,
        "location": backup.location,
        "bytes": backup.bytes,
        "sha256": backup.sha256,
        "verified": backup.verified,
        "seconds": round(backup.seconds, 3),
    }


def _rehearsal(rehearsal: Rehearsal) -> dict[str, Any]:
    return {
        "outcome": rehearsal.outcome,
        "where": rehearsal.where,
        "seconds": round(rehearsal.seconds, 3),
        "round_trip": rehearsal.round_trip,
        "revisions": [_rehearsed(item) for item in rehearsal.revisions],
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "source": forecast.source,
        "seconds": round(forecast.seconds, 3),
        "revisions": [_rehearsed(item) for item in forecast.revisions],
    }


def _rehearsed(item: RehearsedRevision) -> dict[str, Any]:
    locks = item.locks
    return {
        "revision": item.revision,
        "seconds": item.seconds,
        "statements": item.statements,
        "locks": None
        if locks is None
        else [{"table": k.table, "mode": k.mode, "seconds": k.seconds} for k in locks],
    }


def _error(failure: Failure) -> dict[str, Any]:
    return {
        "stage": failure.stage,
        "kind": failure.kind,
        "message": failure.message,
        "revision": failure.revision,
        "file": failure.file,
        "line": failure.line,
        "statement": failure.statement,
        "executed": list(failure.executed),
        "next": failure.next,
    }
