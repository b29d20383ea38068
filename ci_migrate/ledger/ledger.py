"""The record of what ran: one row per run, one per revision of it, written before and after."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ci_migrate.database.engine import Database
from ci_migrate.database.ledger_grant import missing_grant
from ci_migrate.database.ledger_table import (
    create_ledger,
    insert_rows,
    ledger_exists,
    select_rows,
    update_run,
)
from ci_migrate.ledger.facts import (
    Executed,
    LastRemains,
    PartialRun,
    UnfinishedRun,
    is_restored,
    read_executed,
    read_partial,
    read_remains,
    rehearsal_of,
)
from ci_migrate.ledger.failure import as_ledger_error
from ci_migrate.ledger.rows import (
    INTERRUPTED,
    STARTED,
    begun_rows,
    ending_of,
    hash_of_row,
    revision_ending,
    run_ending,
)
from ci_migrate.models import (
    Backup,
    Evidence,
    GateResult,
    Outcome,
    Plan,
    Promotion,
    RunInfo,
)
from ci_migrate.remains import carry_remains, origin_of_remains
from ci_migrate.revisions.rewrite import KnownRevision

UNDONE = "undone"
"""Of a revision that was executed, until a restore took it back."""


class Ledger:
    """The ledger of one environment, in its database or in another one."""

    def __init__(self, database: Database, *, schema: str, environment: str) -> None:
        self._database = database
        # Only PostgreSQL has schemas inside a database; elsewhere the table's name sets it apart.
        self._schema = schema if database.dialect == "postgresql" else None
        self._environment = environment

    def exists(self) -> bool:
        """Return whether the ledger has been created."""
        with self._as_ledger_error("read"):
            return ledger_exists(self._database, self._schema)

    def missing_grant(self) -> tuple[str, str] | None:
        """Return why the ledger cannot be created or written, and the SQL for an administrator; or None."""
        return missing_grant(self._database, self._schema)

    def start_run(
        self,
        run: RunInfo,
        plan: Plan,
        backup: Backup | None,
        versions: Mapping[str, str],
        *,
        command: str = "promote",
        gates: Iterable[GateResult] = (),
        details: Mapping[str, str] | None = None,
    ) -> str | None:
        """Write the run, its pending revisions and its overridden gates; creates the ledger where it is missing.

        `details` are JSON texts by revision. What the run before left unfinished stays in force until this one ends
        well; returned as `encode_remains` wrote it.
        """
        common = self._common(run, command)
        rows = begun_rows(common, plan, backup, versions, gates, details or {})
        with self._as_ledger_error("write"):
            create_ledger(self._database, self._schema)
            left = next(iter(self._select(kind="run", newest=1)), {})
            carried = carry_remains(left["detail"], left["run_id"]) if left.get("detail") else None
            rows[0]["detail"] = carried
            insert_rows(self._database, self._schema, rows)
        return carried

    def note_remains(self, run_id: str, remains: str) -> None:
        """Write what revisions that are not atomic have done so far, before they do more."""
        with self._as_ledger_error("write"):
            update_run(self._database, self._schema, run_id, {"detail": remains}, {})

    def finish_run(
        self,
        promotion: Promotion,
        executed: Collection[str],
        now: str,
        remains: str | None = None,
        *,
        is_seen: bool = True,
    ) -> None:
        """Write how the run ended, which of its revisions it carried out, and what is left of others.

        `is_seen` says whether anybody could see what the revisions did.
        """
        seconds = {applied.revision: applied.seconds for applied in promotion.applied}
        values = run_ending(promotion, now, remains, is_seen=is_seen)
        revisions = {
            item.revision: revision_ending(
                item.revision in executed,
                seconds.get(item.revision),
                now,
                item.content.content_hash,
            )
            for item in promotion.pending
        }
        with self._as_ledger_error("write"):
            update_run(self._database, self._schema, promotion.run.run_id, values, revisions)

    def unfinished_runs(self) -> tuple[UnfinishedRun, ...]:
        """Return the runs of this environment that began and did not end, oldest first."""
        rows = self._select(kind="run", outcome=STARTED)
        return tuple(
            UnfinishedRun(
                run_id=row["run_id"],
                command=row["command"],
                started_at=row["started_at"],
                run_url=row["run_url"],
                direction=next((r["direction"] for r in revisions), "upgrade"),
                planned=tuple(r["revision"] for r in revisions),
            )
            for row in rows
            for revisions in [self._select(kind="revision", run_id=row["run_id"])]
        )

    def last_remains(self) -> LastRemains | None:
        """Return what the newest run left unfinished, or None."""
        rows = self._select(kind="run", newest=1)
        if not rows or not rows[0]["detail"]:
            return None
        detail, run_id = rows[0]["detail"], rows[0]["run_id"]
        origin = origin_of_remains(detail) or run_id
        run = next(iter(self._select(kind="run", run_id=origin)), rows[0])
        return read_remains(run, detail, self._select(kind="revision", run_id=run["run_id"]))

    def last_partial_run(self) -> PartialRun | None:
        """Return the last run of this environment if it ended partly applied, and was not restored away."""
        rows = self._select(kind="run", newest=1)
        is_partial = bool(rows) and rows[0]["outcome"] == Outcome.PARTIAL.value
        return read_partial(rows[0]) if is_partial and not is_restored(rows[0]) else None

    def settle_run(self, run: UnfinishedRun, done: Collection[str], now: str) -> None:
        """Finish the record of an unfinished run; `done` are the revisions that it carried out."""
        values = {"outcome": INTERRUPTED, "finished_at": now}
        rows = self._select(kind="revision", run_id=run.run_id, without=())
        revisions = {
            row["revision"]: revision_ending(row["revision"] in done, None, now, hash_of_row(row))
            for row in rows
        }
        with self._as_ledger_error("write"):
            update_run(self._database, self._schema, run.run_id, values, revisions)

    def evidence(self) -> dict[str, Evidence]:
        """Return for each revision what shows that this environment executed it last as an upgrade."""
        return {
            revision: Evidence(
                revision=revision,
                content_hash=row["content_hash"] or "",
                finished_at=row["finished_at"] or "",
                environment=self._environment,
                rehearsal=rehearsal_of(row["detail"]),
            )
            for revision, row in self.upgrades().items()
        }

    def executed(self) -> tuple[KnownRevision, ...]:
        """Return each revision that this environment executed last as an upgrade, as it was then."""
        return tuple(
            KnownRevision(
                revision=revision,
                message=row["message"] or "",
                parents=tuple(json.loads(row["parents"] or "[]")),
                content_hash=row["content_hash"] or "",
                source=row["source"] or "",
                when=row["finished_at"] or "",
                commit=row["commit_sha"] or "",
            )
            for revision, row in self.upgrades(without=()).items()
        )

    def upgrades(self, *, without: tuple[str, ...] = ("source",)) -> dict[str, dict[str, Any]]:
        """Return by revision the row of each that this environment executed last as an upgrade."""
        found: dict[str, dict[str, Any]] = {}
        for row in self._select(kind="revision", outcome="executed", without=without):
            found.pop(row["revision"], None)
            if row["direction"] == "upgrade":
                found[row["revision"]] = row
        return found

    def executions(self) -> tuple[Executed, ...]:
        """Return every revision that this environment executed, in either direction, oldest first."""
        return tuple(map(read_executed, self._select(kind="revision", outcome="executed")))

    def run(self, run_id: str) -> dict[str, Any]:
        """Return the row of a run, and its rows of revisions as `revisions`; empty when it is not there."""
        rows = self._select(kind="run", run_id=run_id)
        revisions = self._select(kind="revision", run_id=run_id)
        return {**rows[0], "revisions": revisions} if rows else {}

    def runs(self, newest: int) -> list[dict[str, Any]]:
        """Return the newest runs as rows, oldest first, each with its `revisions` and `overrides`."""
        rows = self._select(kind="run", newest=newest)
        for row in rows:
            row["revisions"] = self._select(kind="revision", run_id=row["run_id"])
            row["overrides"] = self._select(kind="override", run_id=row["run_id"])
        return rows

    def rows_of_run(self, run_id: str) -> list[dict[str, Any]]:
        """Return every row of a run with all that it says, the source of its revisions too; the run itself first."""
        rows = self._select(run_id=run_id, without=("id",))
        return sorted(rows, key=lambda row: row["kind"] != "run")

    def outcomes(self) -> dict[str, str]:
        """Return the outcome of every run by its id, oldest first."""
        return {row["run_id"]: row["outcome"] for row in self._select(kind="run")}

    def first_run_at(self) -> str | None:
        """Return when the oldest run began, in ISO 8601 and UTC; None when there is none."""
        return min((str(row["started_at"]) for row in self._select(kind="run")), default=None)

    def executed_rows(self) -> list[dict[str, Any]]:
        """Return the rows of all revisions that were executed, oldest first."""
        return self._select(kind="revision", outcome="executed")

    def add_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows of a run that this ledger has lost; creates the ledger where it is missing."""
        with self._as_ledger_error("write"):
            create_ledger(self._database, self._schema)
            insert_rows(self._database, self._schema, rows)

    def take_over_ending(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write how a run ended, and what became of its revisions, as other rows of the same run tell it."""
        values, revisions = ending_of(rows)
        with self._as_ledger_error("write"):
            update_run(self._database, self._schema, str(rows[0]["run_id"]), values, revisions)

    def mark_undone(self, run_id: str, revisions: Collection[str]) -> None:
        """Keep that the work of a run on these revisions is in the database no more, by a restore."""
        undone = {revision: {"outcome": UNDONE} for revision in revisions}
        with self._as_ledger_error("write"):
            update_run(self._database, self._schema, run_id, {}, undone)

    def _select(
        self, *, newest: int | None = None, without: tuple[str, ...] = ("source",), **match: str
    ) -> list[dict[str, Any]]:
        with self._as_ledger_error("read"):
            if not ledger_exists(self._database, self._schema):
                return []
            match = {"environment": self._environment, **match}
            return select_rows(self._database, self._schema, match, newest=newest, without=without)

    def _as_ledger_error(self, verb: str) -> AbstractContextManager[None]:
        return as_ledger_error(verb, self.missing_grant)

    def _common(self, run: RunInfo, command: str) -> dict[str, Any]:
        return {
            "command": command,
            "run_id": run.run_id,
            "environment": self._environment,
            "started_at": run.started_at,
            "branch": run.branch,
            "commit_sha": run.commit,
            "actor": run.actor,
            "run_url": run.run_url,
            "host": run.host,
        }
