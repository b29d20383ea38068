"""The one source of prose: what every reporter says, as plain text that each escapes for its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ci_migrate.errors import ExitCode
from ci_migrate.models import Backup, GateOutcome, Outcome, Promotion
from ci_migrate.redact import one_line
from ci_migrate.remains import is_reading
from ci_migrate.report.foreseen_text import describe_forecast, describe_rehearsal, rehearsed_lines
from ci_migrate.report.units import format_bytes, format_seconds
from ci_migrate.words import counted

LONGEST_MESSAGE = 4_000
"""Characters of an error message that are shown; the JSON result has the same."""


_WORDS = {
    "rollback": ("ROLLED BACK", "downgrade"),
    "restore": ("RESTORED", "restore"),
    "adopt": ("ADOPTED", "stamp"),
    "recover": ("RECOVERED", "recovery"),
}
"""By command: what a part of it is called, and what it does; an upgrade elsewhere."""
_ENDED = {
    Outcome.PROMOTED,
    Outcome.NOTHING_TO_DO,
    Outcome.ROLLED_BACK,
    Outcome.RESTORED,
    Outcome.RECOVERED,
    Outcome.ADOPTED,
    Outcome.PARTIAL,
    Outcome.UNVERIFIED,
}
"""Outcomes of a run that has seen the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One labelled fact, with a link where there is something to open."""

    label: str
    value: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionLine:
    """One revision of the run and what became of it."""

    revision: str
    message: str
    state: str
    file: str | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One labelled part of the account of a failure; `is_code` keeps its lines as they are."""

    label: str
    text: str
    is_code: bool = False


_DONE = {
    Outcome.PROMOTED: "PROMOTED to {at}, {count} in {seconds}",
    Outcome.ROLLED_BACK: "ROLLED BACK by downgrade to {at}, {count} in {seconds}",
    Outcome.RESTORED: "RESTORED from a backup to {at} in {seconds}",
    Outcome.ADOPTED: "ADOPTED at {at} in {seconds}; no revision was run",
    Outcome.RECOVERED: "RECOVERED, the database is at {at} after {seconds}",
}


def headline(promotion: Promotion) -> str:
    """Return the outcome in one sentence that cannot be mistaken for another outcome."""
    if promotion.command == "check":
        return _headline_of_check(promotion)
    name = promotion.environment or "no environment"
    count, seconds = counted(len(promotion.applied), "revision"), format_seconds(promotion.seconds)
    if promotion.outcome in _DONE:
        at = short_list(promotion.reached)
        return f"{name}: {_DONE[promotion.outcome].format(at=at, count=count, seconds=seconds)}"
    if promotion.outcome is Outcome.NOTHING_TO_DO:
        if promotion.environment is None:
            return "NOTHING TO DO: " + (
                promotion.warnings[0] if promotion.warnings else "no environment"
            )
        return f"{name}: NOTHING TO DO, the database is at {short_list(promotion.reached)}"
    if promotion.outcome is Outcome.READY:
        return f"{name}: READY{_what_is_ready(promotion)}"
    if promotion.outcome is Outcome.BLOCKED:
        gates = [gate.name for gate in promotion.gates if gate.outcome is GateOutcome.FAILED]
        return f"{name}: BLOCKED by {', '.join(gates) or _what_blocks(promotion)}; the database was not touched"
    return _headline_of_failure(promotion, name)


def _what_is_ready(promotion: Promotion) -> str:
    target = short_list(promotion.target)
    if promotion.command == "adopt":
        return f" to be adopted at {target}"
    if promotion.command == "recover":
        return f" to be recovered to {target}"
    if is_unseen(promotion):
        return " as far as the files tell; the database was not asked"
    if "pending" in promotion.untold:
        return " as far as text tells; what is pending only the project knows"
    return f", {counted(len(promotion.pending), 'revision')} pending to {target}"


def _what_blocks(promotion: Promotion) -> str:
    is_proof = promotion.failure is not None and promotion.failure.kind == "proof"
    return "a proof that failed" if is_proof else "a gate"


def _headline_of_check(promotion: Promotion) -> str:
    failed = [gate.name for gate in promotion.gates if gate.outcome is GateOutcome.FAILED]
    if promotion.outcome is Outcome.FAILED:
        return "the revisions were NOT CHECKED"
    if failed:
        return f"the revisions are NOT IN ORDER: {', '.join(failed)}"
    return f"the revisions are IN ORDER, at {short_list(promotion.target)}"


def _headline_of_failure(promotion: Promotion, name: str) -> str:
    participle, work = _WORDS.get(promotion.command, ("APPLIED", "upgrade"))
    if promotion.outcome is Outcome.PARTIAL:
        return f"{name}: PARTLY {participle}, the database was changed {_where_it_is(promotion)}"
    if promotion.outcome is Outcome.UNVERIFIED:
        return (
            f"{name}: NOT VERIFIED, the {work} reported success but the database does not show it"
        )
    if promotion.failure and promotion.failure.exit_code is ExitCode.INTERRUPTED:
        return f"{name}: INTERRUPTED, the database is unchanged"
    if promotion.failure and promotion.failure.stage == "configuration":
        start = f"{promotion.environment}: " if promotion.environment else ""
        return f"{start}NOT STARTED, no database was touched"
    stage = f" at stage {promotion.failure.stage}" if promotion.failure else ""
    return f"{name}: FAILED{stage}, the database is unchanged"


def _where_it_is(promotion: Promotion) -> str:
    """Return where a run has left the database that it did not bring to its end."""
    at = short_list(promotion.reached)
    is_planned = promotion.target or promotion.pending
    if is_planned and sorted(promotion.reached) == sorted(promotion.target):
        return f"and its version rows are those of the target ({at}), but the run did not come to its end"
    return f"but is not at its target (it is at {at})"


def facts(promotion: Promotion) -> Iterator[Fact]:
    """Yield what the run was about: environment, branch, revisions, backup, duration, links."""
    run = promotion.run
    if promotion.environment:
        yield Fact(label="Environment", value=promotion.environment)
    if run.branch:
        yield Fact(label="Branch", value=run.branch)
    is_known = not is_unseen(promotion) and "current" not in promotion.untold
    if promotion.environment and is_known:
        moved = short_list(promotion.current)
        if promotion.reached != promotion.current:
            moved += f" → {short_list(promotion.reached)}"
        yield Fact(label="Version", value=moved)
    if promotion.backup:
        yield Fact(label="Backup", value=describe_backup(promotion.backup))
    yield from foreseen(promotion)
    if run.commit:
        yield Fact(label="Commit", value=run.commit[:12], url=run.commit_url)
    if run.actor:
        yield Fact(label="By", value=run.actor)
    if run.run_url:
        yield Fact(label="Run", value="log of this run", url=run.run_url)
    yield Fact(label="Duration", value=format_seconds(promotion.seconds))


def is_unseen(promotion: Promotion) -> bool:
    """Return whether the version rows could not be read: then nothing is known of them, and of what is pending."""
    is_reached = any(
        gate.name == "connection" and gate.outcome is GateOutcome.PASSED for gate in promotion.gates
    )
    seen = (promotion.current, promotion.pending, promotion.reached, promotion.applied)
    return not (is_reached or promotion.outcome in _ENDED or any(seen))


def foreseen(promotion: Promotion) -> Iterator[Fact]:
    """Yield what was known before the revisions ran, beside what they really took."""
    if promotion.rehearsal:
        yield Fact(label="Rehearsal", value=describe_rehearsal(promotion.rehearsal))
    if promotion.forecast:
        yield Fact(label="Forecast", value=describe_forecast(promotion.forecast, promotion))


def rehearsed(promotion: Promotion) -> Iterator[Passage]:
    """Yield what was seen of the revisions in a rehearsal, a line each, however it ended; nothing without one."""
    lines = list(rehearsed_lines(promotion))
    if lines:
        yield Passage(label="Rehearsed", text="\n".join(lines))


def revision_lines(promotion: Promotion) -> Iterator[RevisionLine]:
    """Yield the revisions that were pending, each with what became of it."""
    seconds = {applied.revision: applied.seconds for applied in promotion.applied}
    failed = promotion.failure.revision if promotion.failure else None
    for pending in promotion.pending:
        if pending.revision in seconds:
            took = seconds[pending.revision]
            done = "taken back" if promotion.command == "rollback" else "applied"
            state = done if took is None else f"{done} in {format_seconds(took)}"
        elif pending.revision == failed:
            state = "FAILED"
        else:
            state = "still applied" if promotion.command == "rollback" else "pending"
        yield RevisionLine(
            revision=pending.revision,
            message=one_line(pending.message),
            state=state,
            file=pending.file,
            note="" if pending.content.atomic else pending.content.why_not_atomic,
        )


def failure_passages(promotion: Promotion) -> Iterator[Passage]:
    """Yield why the run did not reach its target, where, what it left, and what to do next, if anything."""
    if promotion.follow_up:
        yield Passage(label="Next", text=promotion.follow_up)
    failure = promotion.failure
    failed_gates = [gate for gate in promotion.gates if gate.outcome is GateOutcome.FAILED]
    # A gate that blocked is told by name, with its own next step.
    if failure is None or (promotion.outcome is Outcome.BLOCKED and failed_gates):
        return
    yield Passage(label="Cause", text=cut_text(failure.message))
    if failure.revision:
        yield Passage(label="Revision", text=failure.revision)
    if failure.file:
        place = failure.file + (f":{failure.line}" if failure.line else "")
        # Messages about the configuration begin with the place of each problem.
        if place not in failure.message:
            yield Passage(label="Place", text=place)
    if failure.statement:
        yield Passage(label="Statement", text=cut_text(failure.statement), is_code=True)
    writing = [text for text in failure.executed if not is_reading(text)]
    if writing and promotion.outcome is Outcome.PARTIAL and not failure.is_undone:
        statements = ";\n".join(one_line(text, 300) for text in writing[-50:])
        label = "Already executed of this revision, and still in the database where it was not rolled back"
        yield Passage(label=label, text=statements, is_code=True)
    if failure.next:
        yield Passage(label="Next", text=failure.next)


def overridden_gates(promotion: Promotion) -> Iterator[Passage]:
    """Yield the gates that failed and were passed over, with the reason and what they said."""
    for gate in promotion.gates:
        if gate.outcome is GateOutcome.OVERRIDDEN:
            who = f" by {one_line(promotion.run.actor, 80)}" if promotion.run.actor else ""
            text = f"Reason: {one_line(gate.reason or '', 500)}\nIt said: {gate.message}"
            yield Passage(label=f"Gate {gate.name} OVERRIDDEN{who}", text=text)


def describe_backup(backup: Backup) -> str:
    """Return a backup in one line: backend, place, size, proof."""
    if not backup.location:
        return backup.verified
    return (
        f"{backup.backend}, {format_bytes(backup.bytes)}, {backup.location}, verified:"
        f" {backup.verified}"
    )


def short_list(revisions: tuple[str, ...]) -> str:
    """Return version rows for people; `base` when there is none."""
    return ", ".join(one_line(revision, 40) for revision in revisions) or "base"


def cut_text(text: str) -> str:
    """Return a long text with its end left out."""
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 2] + " …"
