"""`rebase`: a branch that nobody has executed goes on top of the other head."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ci_migrate.errors import BlockedError, UsageError
from ci_migrate.evidence.elsewhere import Executed
from ci_migrate.redact import shell_words
from ci_migrate.rehearsal.trial import TrialRequest, open_trial
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.reparent import reparent_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase:
    """A revision that gets another parent."""

    revision: str
    parent: str
    onto: str
    branch: tuple[str, ...]
    """The revision and what is built on it, parents first."""
    head: str
    """The head of that branch."""
    file: str
    """From the working directory."""
    diff: str = ""
    is_written: bool = False


def plan_rebase(graph: Graph, name: str, onto: str | None) -> Rebase:
    """Return what a rebase of a revision onto another head would be.

    `onto` may be left out when there are two heads. Raises UsageError where that cannot be done.
    """
    revision = graph.resolve(name)
    if revision is None:
        raise UsageError(f"there is no revision {name!r}", next_step="See `ci-migrate heads`.")
    heads = graph.heads()
    mine = [head for head in heads if revision in graph.ancestors([head])]
    others = [head for head in heads if head not in mine]
    found = graph.revisions[revision]
    if len(mine) != 1 or len(found.parents) != 1 or found.file is None:
        why = (
            "several heads are built on it"
            if len(mine) > 1
            else "it does not have exactly one parent"
        )
        raise UsageError(f"{revision} cannot be rebased: {why}")
    target = graph.resolve(onto) if onto else (others[0] if len(others) == 1 else None)
    if target not in others:
        raise UsageError(
            f"it is not clear onto which head {revision} goes",
            next_step=f"Name it with --onto: {', '.join(others) or 'there is no other head'}.",
        )
    _refuse_other_place(graph, revision, found.parents[0], mine[0], target)
    branch = tuple(
        item for item in graph.pending([target], mine) if revision in graph.ancestors([item])
    )
    return Rebase(
        revision=revision,
        parent=found.parents[0],
        onto=target,
        branch=branch,
        head=mine[0],
        file=found.file,
    )


def _refuse_other_place(graph: Graph, revision: str, parent: str, head: str, target: str) -> None:
    """Raise UsageError unless the revision is the one with which its branch leaves that of the target."""
    if revision in graph.ancestors([target]) or parent not in graph.ancestors([target]):
        raise UsageError(
            f"{revision} is not where its branch leaves that of {target}: its parent {parent} is"
            " no ancestor of it",
            next_step=f"Name the first revision of the branch: {_first_own(graph, head, target)}.",
        )


def refuse_executed(rebase: Rebase, asked: Iterable[Executed], not_in: Collection[str]) -> None:
    """Raise BlockedError when an environment has executed the branch: its databases would be left behind.

    Also when one could not be asked, unless it is among `not_in`, of which the caller knows it.
    """
    asked, merge = tuple(asked), f"ci-migrate merge {shell_words(rebase.onto, rebase.head)}"
    for item in asked:
        executed = [revision for revision in rebase.branch if item.has(revision)]
        if executed:
            raise BlockedError(
                f"{item.environment} has already executed {', '.join(executed)}; with another parent"
                " its database would no longer fit the history",
                next_step=f"Merge instead: {merge}",
            )
    silent = [item.environment for item in asked if item.problem and item.environment not in not_in]
    if silent:
        raise BlockedError(
            f"{', '.join(silent)} could not be asked: if {rebase.revision} has run there, its database would no longer"
            " fit the history",
            next_step="Where you know that it has not, say so: "
            + " ".join(f"--not-in {name}" for name in silent)
            + f". Else merge: {merge}",
        )


def rebase_revision(request: TrialRequest, rebase: Rebase, *, is_dry_run: bool) -> Rebase:
    """Prove that the branch runs after the other head, then give the revision its new parent.

    Raises ProofError when it does not run; the file is untouched then.
    """
    root = request.history.project.root
    path = root / rebase.file
    before = path.read_bytes()
    after = reparent_file(before, rebase.parent, rebase.onto, rebase.file)
    # Nothing has to be written for the proof: after the other head, the branch finds its old parent there
    # and runs in the very order that the new one gives it.
    with open_trial(request) as trial:
        trial.upgrade((rebase.onto, rebase.head))
    if not is_dry_run:
        _replace_file(path, after)
    return replace(rebase, diff=_diff(before, after, rebase.file), is_written=not is_dry_run)


def _first_own(graph: Graph, head: str, onto: str) -> str:
    return graph.pending([onto], [head])[0]


def _diff(before: bytes, after: bytes, shown: str) -> str:
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    return "\n".join(difflib.unified_diff(old, new, f"a/{shown}", f"b/{shown}", n=0, lineterm=""))


def _replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, with the permissions it had."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".ci-migrate-")
    with os.fdopen(number, "wb") as file:
        file.write(data)
    Path(name).chmod(path.stat().st_mode & 0o7777)
    Path(name).replace(path)
