"""The state of environments, and their past, as lines for the console."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ci_migrate.environment_status import EnvironmentStatus
from ci_migrate.ledger.rows import STARTED
from ci_migrate.redact import one_line
from ci_migrate.remains import decode_remains, origin_of_remains
from ci_migrate.report.prose import short_list
from ci_migrate.report.units import format_seconds, format_time

MOST_DEFECTS = 5
_HELD = {
    "blocks": "promote blocks on it: mend it by a revision after it and use --reapply, or take it out of the branch",
    "changed": "its file was changed since, so it may come again",
    "absent": "no file here has it",
    "unknown": "whether promote blocks on it, these files do not tell",
}


def status_lines(status: EnvironmentStatus) -> Iterator[str]:
    """Yield where one environment is."""
    if status.problem:
        yield f"{status.name}: cannot be asked: {one_line(status.problem, 500)}"
        return
    if "pending" in status.untold:
        pending = f"pending not known ({one_line(status.unreadable)})"
    else:
        pending = f"{len(status.pending)} pending" if status.pending else "nothing pending"
    at = "a revision not known" if "current" in status.untold else short_list(status.current)
    yield f"{status.name}: at {at}, {pending}"
    if status.running:
        yield f"    a run is at work: {one_line(status.running, 300)}"
    if status.unfinished:
        yield f"    unfinished: {short_list(status.unfinished)}; promote blocks on it and shows what is in the database"
    for defect in status.defects[:MOST_DEFECTS]:
        yield f"    defect: {one_line(defect, 300)}"
    if status.unknown:
        yield f"    no file here explains {short_list(status.unknown)}"
    for held in status.held:
        name = f"{held.revision} '{one_line(held.message, 80)}'" if held.message else held.revision
        when = format_time(held.since)
        yield f"    held: {name}, rolled back {when}; {_HELD[held.state]}"
    if status.ledger_problem:
        yield f"    last run, held and unfinished revisions not known: {one_line(status.ledger_problem, 500)}"
    if status.last_run:
        yield f"    last run: {run_line(status.last_run)}"


def run_line(run: Mapping[str, Any]) -> str:
    """Return one run of the ledger as a line."""
    took = f" in {format_seconds(run['seconds'])}" if run["seconds"] is not None else ""
    commit = f", commit {one_line(run['commit_sha'])[:12]}" if run["commit_sha"] else ""
    who = f", by {one_line(run['actor'], 80)}" if run["actor"] else ""
    return f"{format_time(run['started_at'])}  {run['outcome']}{took}, {_moved(run)}{commit}{who}"


def history_lines(runs: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the runs of an environment, newest last, each with its revisions."""
    for run in runs:
        half = _half_done(run)
        yield run_line(run)
        if run["run_url"]:
            yield f"    {run['run_url']}"
        if run["failure"]:
            yield f"    {one_line(json.loads(run['failure'])['message'], 500)}"
        for override in run.get("overrides", ()):
            yield f"    overridden   gate {override['outcome']}: {one_line(override['message'] or '', 300)}"
        for revision in run["revisions"]:
            took = revision["seconds"]
            seconds = f" ({format_seconds(took)})" if took is not None else ""
            message = one_line(revision["message"] or "")
            is_back = (revision["direction"], revision["outcome"]) == ("downgrade", "executed")
            what = "taken back" if is_back else revision["outcome"]
            if revision["outcome"] != "executed" and revision["revision"] in half:
                what = "begun" if run["outcome"] == STARTED else "half done"
            yield f"    {what:<12} {revision['revision']}  {message}{seconds}"


def _half_done(run: Mapping[str, Any]) -> set[str]:
    """Return the revisions of which a run left something in the database; not what it found there."""
    detail = run.get("detail")
    if detail and origin_of_remains(detail):
        return set()
    return {item.revision for item in decode_remains(run.get("detail"))}


def _moved(run: Mapping[str, Any]) -> str:
    before = _rows(run["from_rows"])
    if run["to_rows"] is None:
        return f"from {before}"
    after = _rows(run["to_rows"])
    return f"still at {before}" if before == after else f"{before} → {after}"


def _rows(text: str | None) -> str:
    return short_list(tuple(json.loads(text))) if text else "?"
