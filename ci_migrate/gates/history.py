"""Gate `history`: the revision files are sound, and the database's rows are among them."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs, Rewritten
from ci_migrate.gates.rewritten import (
    APART_ADVICE,
    advise_on_rewritten,
    describe_rewritten,
    is_refused,
    note_on_rewritten,
)
from ci_migrate.models import GateOutcome, GateResult
from ci_migrate.words import counted

NAME = "history"


def check(inputs: GateInputs) -> GateResult:
    """Fail on faults in the files, on rows no file explains or that overlap, and on rewritten revisions."""
    failed = _judge_files(inputs) or _judge_rows(inputs) or _judge_rewritten(inputs)
    if failed is not None:
        return failed
    notes = [note_on_rewritten(item) for item in inputs.rewritten]
    if inputs.unseen:
        notes.append(
            "whether this push rewrote what ran before there was a ledger cannot be told:"
            f" {inputs.unseen} (`fetch-depth: 0` at the checkout)"
        )
    total = len(inputs.graph.revisions)
    message = f"{counted(total, 'revision')}, rows are known"
    return GateResult(name=NAME, outcome=GateOutcome.PASSED, message="\n".join([message, *notes]))


def _judge_files(inputs: GateInputs) -> GateResult | None:
    if not inputs.problems:
        return None
    first = inputs.problems[0]
    more = f" (and {len(inputs.problems) - 1} more)" if len(inputs.problems) > 1 else ""
    text = "; ".join(problem.message for problem in inputs.problems[:5]) + more
    refused = _refused(inputs)
    if not refused:
        return _failed(text, first.next_step, file=first.file, line=first.line)
    # A fault that a rewritten revision has left: what was rewritten is the cause, and its cure comes first.
    return _failed(
        f"{text}\n{describe_rewritten(refused)}",
        advise_on_rewritten(refused),
        file=first.file,
        line=first.line,
    )


def _judge_rows(inputs: GateInputs) -> GateResult | None:
    unknown = inputs.graph.unknown(inputs.plan.current)
    if unknown:
        at = f"the database is at {', '.join(sorted(unknown))}, which no revision file of this branch has"
        refused = _refused(inputs)
        if refused and refused[0].is_foreign:
            return _failed(f"{at}\n{describe_rewritten(refused)}", advise_on_rewritten(refused))
        return _failed(
            f"{at}\n{describe_rewritten(refused)}" if refused else at,
            "See what it is, then take it back or bring its file back:\n"
            f"ci-migrate recover --environment {inputs.environment} --dry-run\n"
            "The file was deleted or the branch was reset, another branch was deployed here, or another"
            " project shares this version table. By hand: bring the file back (git log --all --"
            f" {inputs.directory or 'migrations'}), do not stamp over it. {APART_ADVICE}",
        )
    overlapping = inputs.graph.overlapping(inputs.plan.current)
    if overlapping:
        pairs = ", ".join(f"{older} is an ancestor of {newer}" for older, newer in overlapping)
        return _failed(
            f"the version table has rows that overlap: {pairs}",
            "Alembic would refuse or downgrade too much. Delete the ancestor's row after checking that"
            " both revisions are really in the schema.",
        )
    return None


def _judge_rewritten(inputs: GateInputs) -> GateResult | None:
    refused = _refused(inputs)
    if not refused:
        return None
    file = next((item.rewrite.file for item in refused if item.rewrite.file), None)
    return _failed(describe_rewritten(refused), advise_on_rewritten(refused), file=file)


def _refused(inputs: GateInputs) -> list[Rewritten]:
    return [item for item in inputs.rewritten if is_refused(item)]


def _failed(
    message: str, next_step: str | None, *, file: str | None = None, line: int | None = None
) -> GateResult:
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message=message,
        next_step=next_step,
        file=file,
        line=line,
    )
