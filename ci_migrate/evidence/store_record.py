"""The record of an environment beside its backups: what the copies of its ledger say it has executed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ci_migrate.evidence.ledger_copy import RunCopies
from ci_migrate.ledger.facts import rehearsal_of
from ci_migrate.models import Evidence, Outcome


def read_copied(copies: RunCopies, environment: str) -> Mapping[str, Evidence] | None:
    """Return what the copies show as executed, each revision by its last run; None without any copy.

    What a restore took back is left out: of the revisions that ran before it only those count that the version
    rows after it stand for.
    """
    found: dict[str, Evidence] = {}
    parents: dict[str, tuple[str, ...]] = {}
    for copy in copies.runs:
        for row in copy.rows:
            if row["kind"] != "revision" or row["outcome"] != "executed":
                continue
            revision = str(row["revision"])
            parents[revision] = tuple(json.loads(row["parents"] or "[]"))
            if row["direction"] == "upgrade":
                found[revision] = _evidence(row, environment)
            else:
                found.pop(revision, None)
        if copy.run["outcome"] == Outcome.RESTORED.value:
            kept = _reached(json.loads(copy.run["to_rows"] or "[]"), parents)
            found = {revision: found[revision] for revision in found if revision in kept}
    return found if copies.runs else None


def _evidence(row: Mapping[str, Any], environment: str) -> Evidence:
    return Evidence(
        revision=str(row["revision"]),
        content_hash=row["content_hash"] or "",
        finished_at=row["finished_at"] or "",
        environment=environment,
        rehearsal=rehearsal_of(row["detail"]),
    )


def _reached(rows: Iterable[str], parents: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the version rows with what stands below them, as far as the copies know it."""
    reached, todo = set(), list(rows)
    while todo:
        revision = todo.pop()
        if revision not in reached:
            reached.add(revision)
            todo += parents.get(revision, ())
    return reached
