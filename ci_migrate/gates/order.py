"""Gate `order`: the environment before has executed each pending revision, with the same content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import Evidence, GateOutcome, GateResult
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.redact import one_line
from ci_migrate.times import parse_time

NAME = "order"
_WORDS = {
    "database": "its ledger",
    "store": "its record beside the backups",
    "github": "its deployments at GitHub",
}


def check(inputs: GateInputs) -> GateResult:
    """Fail when a pending revision was not executed in `promote_from`, or not long enough ago."""
    before = inputs.promote_from
    if before is None:
        message = "first environment: nothing comes before it"
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message=message)
    if not inputs.plan.pending:
        return GateResult(name=NAME, outcome=GateOutcome.SKIPPED, message="nothing is pending")
    silent = [f"{_WORDS[t.source]}: {t.problem}" for t in inputs.answers if t.problem]
    if len(silent) == len(inputs.answers):
        is_new = all(told.is_empty for told in inputs.answers)
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message=f"nothing tells what {before} has executed\n" + "\n".join(silent),
            next_step=_promote_first(before)
            if is_new
            else f"Give this run the URL of {before} (a role that may only read its ledger is enough), or"
            " name another source in `evidence`.",
        )
    answer = inputs.answers[-1]
    missing = [text for p in inputs.plan.pending if (text := _missing(p, answer.evidence, before))]
    if missing:
        more = f"\nand {len(missing) - 5} more" if len(missing) > 5 else ""
        by = f"\n(by {_WORDS[answer.source]}; {'; '.join(silent)})" if silent else ""
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message="\n".join(missing[:5]) + more + by,
            next_step=_next_step(inputs, answer.evidence, before),
        )
    return (
        _rehearsed(inputs, before, answer.evidence)
        or _soaked(inputs, before, answer.evidence)
        or _passed(inputs, before)
    )


def _promote_first(before: str) -> str:
    return (
        f"Promote {before} to these revisions with ci-migrate first, then run this again. What {before} has already by"
        " a stamp or by hand is not executed again and proves nothing: bring this environment there in the same way"
        ' once, or pass over this gate: --override order --reason "…".'
    )


def _passed(inputs: GateInputs, before: str) -> GateResult:
    count, source = len(inputs.plan.pending), inputs.answers[-1].source
    message = f"{before} executed {'it' if count == 1 else f'all {count}'}, with the same content"
    message += f" (by {_WORDS[source]})" if source != "database" else ""
    return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=message)


def _missing(pending: PendingRevision, evidence: Mapping[str, Evidence], before: str) -> str | None:
    name = _name(pending)
    found = evidence.get(pending.revision)
    if found is None:
        return f"{before} has not executed {name}"
    if not pending.content.content_hash:
        return f"the source of {name} cannot be read, so it cannot be compared with what {before} executed"
    if not pending.is_known_as(found.content_hash):
        return (
            f"{before} has not executed {name}; it ran another version of that file on"
            f" {_time(found.finished_at)}"
        )
    return None


def _next_step(inputs: GateInputs, evidence: Mapping[str, Evidence], before: str) -> str:
    another = [
        p
        for p in inputs.plan.pending
        if p.content.content_hash
        and p.revision in evidence
        and not p.is_known_as(evidence[p.revision].content_hash)
    ]
    if not another:
        return _promote_first(before)
    # A promotion there has nothing to do, or is refused: what it ran has this id.
    return (
        "Bring the content back that ran there, and put the change into a new revision. Or roll"
        f" {another[0].revision} back in {before} and wherever else it ran, and promote the new content from the"
        " first environment on."
    )


def _rehearsed(
    inputs: GateInputs, before: str, evidence: Mapping[str, Evidence]
) -> GateResult | None:
    """Return a failure when a revision was not tried out in the environment before, as it has to be."""
    for wanted, words in (
        ("rehearsal", "without a rehearsal"),
        ("rollback_test", "without taking it back in a rehearsal"),
    ):
        enough = {"round_trip"} | ({"once"} if wanted == "rehearsal" else set())
        without = [p for p in inputs.plan.pending if evidence[p.revision].rehearsal not in enough]
        if wanted in inputs.require and without:
            more = f"\nand {len(without) - 5} more" if len(without) > 5 else ""
            lines = [f"{before} executed {_name(p)} {words}" for p in without[:5]]
            mode = "true" if wanted == "rehearsal" else "round_trip"
            return GateResult(
                name=NAME,
                outcome=GateOutcome.FAILED,
                message="\n".join(lines) + more,
                next_step=f"Set `rehearse: {mode}` for {before}. What it has executed already cannot be rehearsed"
                " any more: override this gate with a reason, or roll back there and promote again.",
            )
    return None


def _soaked(inputs: GateInputs, before: str, evidence: Mapping[str, Evidence]) -> GateResult | None:
    """Return a failure when a revision has not been long enough in the environment before."""
    if not inputs.soak or inputs.now is None:
        return None
    ready = {p: _ready_at(evidence[p.revision], inputs.soak) for p in inputs.plan.pending}
    early = [p for p, at in ready.items() if at is None or at > inputs.now]
    if not early:
        return None
    lines = [
        f"{before} executed {_name(p)} on {_time(evidence[p.revision].finished_at)}"
        for p in early[:5]
    ]
    times = [at for at in ready.values() if at is not None]
    when = f"{max(times):%Y-%m-%d %H:%M:%S} UTC" if times else "the time is known"
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message="\n".join(lines) + f"\nwhich is less than `soak` ({_duration(inputs.soak)}) ago",
        next_step=f"Run this again after {when}.",
    )


def _ready_at(evidence: Evidence, soak: float) -> datetime | None:
    try:
        return parse_time(evidence.finished_at) + timedelta(seconds=soak)
    except ValueError:
        return None


def _name(pending: PendingRevision) -> str:
    if not pending.message:
        return pending.revision
    return f"{pending.revision} '{one_line(pending.message, 80)}'"


def _time(text: str) -> str:
    """Return a time of a record to the second; what is none, as it is."""
    day, _, rest = text.partition("T")
    return f"{day} {rest[:8]} UTC" if rest else one_line(text, 40) or "an unknown day"


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes), f"{left} s" * bool(left)]
    return " ".join(part for part in parts if part) or "0 s"
