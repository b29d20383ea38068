"""`merge`: explain the heads, prove that their order does not matter, write the revision that joins them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ci_migrate.errors import BlockedError, ProbeError, UsageError
from ci_migrate.heads.explanation import Explanation
from ci_migrate.heads.proof import Proof, prove_orders
from ci_migrate.redact import in_docstring
from ci_migrate.rehearsal.trial import TrialRequest, open_trial
from ci_migrate.revisions.graph import Graph
from ci_migrate.survey import read_files
from ci_migrate.upgrade.probe import project_failure
from ci_migrate.words import counted

LONGEST_MESSAGE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Heads that were joined, or that would be."""

    heads: tuple[str, ...]
    message: str
    proof: Proof
    revision: str | None
    """None in a dry run."""
    file: str | None
    """From the working directory."""


def choose_heads(explanation: Explanation, graph: Graph, named: tuple[str, ...]) -> tuple[str, ...]:
    """Return the heads to merge: those named, by default the first that belong together.

    Raises UsageError when there is nothing to merge, or a name is none of a head.
    """
    heads = tuple(head.revision for head in explanation.heads)
    chosen = []
    for name in named:
        revision = graph.resolve(name)
        if revision not in heads:
            raise UsageError(
                f"{name!r} is not a head",
                next_step=f"Heads are: {', '.join(heads) or 'none'}.",
            )
        chosen.append(revision)
    found = tuple(dict.fromkeys(chosen)) or next(iter(explanation.mergeable), ())
    if len(found) < 2:
        raise UsageError(
            f"there is nothing to merge: {counted(len(heads), 'head')}"
            + (", each meant" if len(heads) > 1 and not explanation.stray else ""),
            next_step="To merge heads that `migrations.heads` names, name them: ci-migrate merge HEAD HEAD.",
        )
    return found


def name_merge(explanation: Explanation, heads: tuple[str, ...]) -> str:
    """Return a message that says what is merged: the messages of the heads, or their ids."""
    told = {head.revision: head.message for head in explanation.heads}
    words = [told.get(head) or head for head in heads]
    message = f"merge {_listed(words)}"
    return message if len(message) <= LONGEST_MESSAGE else f"merge {_listed(heads)}"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def merge_heads(
    request: TrialRequest,
    explanation: Explanation,
    heads: tuple[str, ...],
    *,
    message: str | None,
    is_dry_run: bool,
) -> Merged:
    """Prove that the order of the heads does not matter, then let Alembic write the merge revision.

    Raises BlockedError for a history with defects, ProofError when the order matters.
    """
    if explanation.problems:
        raise BlockedError(
            f"the history has a defect: {explanation.problems[0].message}",
            next_step=explanation.problems[0].next_step,
        )
    proof = prove_orders(request, heads)
    merged = Merged(
        heads=heads,
        message=in_docstring(message or name_merge(explanation, heads)),
        proof=proof,
        revision=None,
        file=None,
    )
    return merged if is_dry_run else _write(request, merged)


def _write(request: TrialRequest, merged: Merged) -> Merged:
    # Alembic may have to run env.py for it (`revision_environment`), and loading the application may write
    # to its database: both get a scratch one.
    with open_trial(request) as trial, trial.open_worker("heads") as (worker, _, probe):
        if not probe.same_database:
            raise ProbeError(f"env.py opens {probe.database} instead of the scratch database")
        worker.send(do="merge", heads=list(merged.heads), message=merged.message)
        answer = list(worker.events("merged", "failed"))[-1]
    if answer["event"] == "failed":
        raise project_failure(answer)
    after = read_files(request.environment, request.env)
    written = after.graph.revisions.get(answer["revision"])
    if written is None or set(written.parents) != set(merged.heads):
        raise ProbeError(
            f"Alembic wrote {answer['file']}, but the heads are not joined by it",
            next_step="Look at the file and at the project's script.py.mako.",
        )
    root = request.environment.root
    file = Path(os.path.relpath(answer["file"], root)).as_posix()
    return replace(merged, revision=answer["revision"], file=file)
