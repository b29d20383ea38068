"""Gate `heads`: one head, or exactly the heads that the configuration names."""

from __future__ import annotations

from collections.abc import Iterator

from ci_migrate.config.problems import find_close_name
from ci_migrate.gates.inputs import GateInputs
from ci_migrate.models import GateOutcome, GateResult
from ci_migrate.redact import shell_words
from ci_migrate.revisions.graph import Graph

NAME = "heads"
NOWHERE_ADVICE = (
    "Correct the names, or let `migrations.versions` name the folders in which they are."
)


def check(inputs: GateInputs) -> GateResult:
    """Fail when there are several heads that nobody meant."""
    heads = inputs.graph.heads()
    nowhere = describe_nowhere(inputs.graph, inputs.intended_heads, inputs.unlabelled)
    if nowhere:
        return _refuse_names(inputs, nowhere)
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
        next_step="\n".join(_advice(inputs)),
        file=first.file,
        line=1 if first.file else None,
    )


def describe_nowhere(
    graph: Graph, intended: tuple[str, ...], unlabelled: tuple[str, ...] = ()
) -> str:
    """Return that none of the intended heads is in the files, but others: those may be the wrong files; else nothing.

    `unlabelled` is why labels of some files are not known: then the names may be there.
    """
    heads = graph.heads()
    if not intended or not heads or unlabelled or any(map(graph.resolve, intended)):
        return ""
    names, found = ", ".join(intended), ", ".join(heads)
    return f"the files have none of the heads that `migrations.heads` names ({names}); they have {found}"


def _refuse_names(inputs: GateInputs, nowhere: str) -> GateResult:
    hints = "\n".join(_advise_on_names(inputs))
    return GateResult(
        name=NAME,
        outcome=GateOutcome.FAILED,
        message=nowhere,
        next_step=f"{hints}\n{NOWHERE_ADVICE}",
    )


def find_unintended(graph: Graph, intended: tuple[str, ...]) -> tuple[str, ...]:
    """Return the heads that nobody meant: of several, those without a name of their own in `intended`."""
    return _name_heads(graph, intended)[1]


def find_mergeable(graph: Graph, intended: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the heads that belong together, group by group: all, or those of one intended name.

    One that no intended name covers is in no group.
    """
    taken, stray = _name_heads(graph, intended)
    if not any(graph.resolve(name) for name in intended):
        return (graph.heads(),) if stray else ()
    groups: dict[str, list[str]] = {}
    for head in stray:
        name = next((name for name in intended if graph.covers(name, head)), None)
        if name is not None:
            groups.setdefault(name, [taken[name]]).append(head)
    return tuple(tuple(sorted(group)) for group in groups.values())


def _name_heads(graph: Graph, intended: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return which head has which intended name, and the heads that have none; nothing for a single head."""
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
        return taken, ()
    return taken, tuple(head for head in heads if not give_name(head, set()))


def _describe(inputs: GateInputs, head: str) -> str:
    revision = inputs.graph.revisions[head]
    text = f"{head} '{revision.message}'" if revision.message else head
    if revision.file:
        text += f" in {revision.file}"
        origin = inputs.describe_origin(revision.file)
        if origin:
            text += f" ({origin})"
    return text


def _advice(inputs: GateInputs) -> Iterator[str]:
    graph, intended = inputs.graph, inputs.intended_heads
    yield from _advise_on_names(inputs)
    groups = find_mergeable(graph, intended)
    lone = set(find_unintended(graph, intended)).difference(*groups)
    if lone:
        yield (
            f"{', '.join(sorted(lone))} belongs to none of the intended heads ({', '.join(intended)}): name its branch"
            " label in `migrations.heads`, or merge it into one of them"
        )
    for group in groups:
        yield "Merge them in dev, review the new file, commit it and push:"
        yield f"    ci-migrate merge {shell_words(*group)}"
        yield "which proves first that their order does not matter; without that proof:"
        yield f'    {inputs.merge_command} -m "merge heads" {shell_words(*group)}'
    if intended:
        yield f"(intended heads are {', '.join(intended)}, each may have one head)"
    else:
        yield "If several heads are meant, name their branch labels in `migrations.heads`."


def _advise_on_names(inputs: GateInputs) -> Iterator[str]:
    """Yield what is to be said of names in `migrations.heads` that mean nothing."""
    graph = inputs.graph
    unknown = [name for name in inputs.intended_heads if graph.resolve(name) is None]
    labels = [label for item in graph.revisions.values() for label in item.labels]
    for name in unknown:
        close = find_close_name(name, labels)
        hint = f": did you mean {close!r}?" if close else ""
        yield f"{name!r} in `migrations.heads` is no branch label and no revision{hint}"
    if unknown and inputs.unlabelled:
        reasons = "; ".join(inputs.unlabelled)
        yield f"Some labels are known only when the files run ({reasons}): name such heads by their ids."
