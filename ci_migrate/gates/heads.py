"""Gate `heads`: one head, or exactly the heads that the configuration names."""

from __future__ import annotations

from collections.abc import Iterator

from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult
from ci_migrate.revisions.graph import Graph

NAME = "heads"


def check(inputs: GateInputs) -> GateResult:
    """Fail when there are several heads that nobody meant."""
    heads = inputs.graph.heads()
    if len(heads) <= 1:
        found = heads[0] if heads else "no revision yet"
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=f"one head: {found}")
    stray = find_unintended(inputs.graph, inputs.intended_heads)
    if not stray:
        message = f"{len(heads)} heads, all named in the configuration: {', '.join(heads)}"
        return GateResult(name=NAME, outcome=GateOutcome.PASSED, message=message)
    listing = "\n".join(_describe(inputs, head) for head in heads)
    first = inputs.graph.revisions[stray[0]]
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message=f"{len(heads)} heads:\n{listing}",
        next_step="\n".join(_advice(inputs, heads)),
        file=first.file,
        line=1 if first.file else None,
    )


def find_unintended(graph: Graph, intended: tuple[str, ...]) -> tuple[str, ...]:
    """Return the heads that nobody meant: of several, those without a name of their own in `intended`."""
    heads = graph.heads()
    taken: dict[str, str] = {}

    def give_name(head: str, tried: set[str]) -> bool:
        """Give a head a name of its own; one that has the name may move on to another of its names."""
        for name in intended:
            if name in tried or not graph.covers(name, head):
                continue
            tried.add(name)
            if name not in taken or give_name(taken[name], tried):
                taken[name] = head
                return True
        return False

    if len(heads) <= 1:
        return ()
    return tuple(head for head in heads if not give_name(head, set()))


def _describe(inputs: GateInputs, head: str) -> str:
    revision = inputs.graph.revisions[head]
    text = f"{head} '{revision.message}'" if revision.message else head
    if revision.file:
        text += f" in {revision.file}"
        origin = inputs.describe_origin(revision.file)
        if origin:
            text += f" ({origin})"
    return text


def _advice(inputs: GateInputs, heads: tuple[str, ...]) -> Iterator[str]:
    yield "Merge them in dev, review the new file, commit it and push:"
    yield "    ci-migrate merge"
    yield "which proves first that their order does not matter; without that proof:"
    yield f'    {inputs.merge_command} -m "merge heads" {" ".join(heads)}'
    if inputs.intended_heads:
        yield f"(intended heads are {', '.join(inputs.intended_heads)}, each may have one head)"
    else:
        yield "If several heads are meant, name their branch labels in `migrations.heads`."
