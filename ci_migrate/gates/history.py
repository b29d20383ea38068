"""Gate `history`: the revision files are sound, and the database's rows are among them."""

from __future__ import annotations

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult

NAME = "history"


def check(inputs: GateInputs) -> GateResult:
    """Fail on faults in the files, on rows no file explains, and on rows that overlap."""
    if inputs.problems:
        first = inputs.problems[0]
        more = f" (and {len(inputs.problems) - 1} more)" if len(inputs.problems) > 1 else ""
        text = "; ".join(problem.message for problem in inputs.problems[:5])
        return GateResult(
            name=NAME,
            outcome=GateOutcome.FAILED,
            message=text + more,
            next_step=first.next_step,
            file=first.file,
            line=first.line,
        )
    unknown = inputs.graph.unknown(inputs.plan.current)
    if unknown:
        return _failed(
            f"the database is at {', '.join(sorted(unknown))}, which no revision file of this branch has",
            "The file was deleted or the branch was reset, another branch was deployed here, or another"
            " project shares this version table. Bring the file back (git log --all --"
            f" {inputs.directory or 'migrations'}), do not stamp over it. Two projects in one database need a"
            " version table each: `version_table=` in their calls of context.configure.",
        )
    overlapping = inputs.graph.overlapping(inputs.plan.current)
    if overlapping:
        pairs = ", ".join(f"{older} is an ancestor of {newer}" for older, newer in overlapping)
        return _failed(
            f"the version table has rows that overlap: {pairs}",
            "Alembic would refuse or downgrade too much. Delete the ancestor's row after checking that"
            " both revisions are really in the schema.",
        )
    return GateResult(
        name=NAME,
        outcome=GateOutcome.PASSED,
        message=f"{len(inputs.graph.revisions)} revisions, rows are known",
    )


def _failed(message: str, next_step: str) -> GateResult:
    return GateResult(name=NAME, outcome=GateOutcome.FAILED, message=message, next_step=next_step)
