"""`check`: what a pull request or a push may not do to the revisions, told from files and git alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from ci_migrate.base_history import find_rewrites_of, find_rewrites_since
from ci_migrate.config.environment import Migrations
from ci_migrate.database.version_rows import ALEMBIC_ID_LENGTH, VersionRows
from ci_migrate.errors import CiMigrateError, GitError, GitHubError
from ci_migrate.evidence.sources import Before, LedgerPlace, open_ledger_of
from ci_migrate.gates import heads, history
from ci_migrate.gates.inputs import GateInputs, Rewritten
from ci_migrate.git.base import Base, Hints, find_base
from ci_migrate.git.fetch import show_token
from ci_migrate.github.rest import tokens_of
from ci_migrate.models import GateOutcome, GateResult, Outcome
from ci_migrate.preflight import describe_project
from ci_migrate.remote_base import ask_then, explain_silence
from ci_migrate.revisions.rewrite import Change, Rewrite, spare_replaced
from ci_migrate.revisions.sources import find_broken_sources
from ci_migrate.rewrites import compare_ledger, weigh_rewrites
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import History, Survey, plan_history, read_project
from ci_migrate.untold import refuse_unread


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """A work tree, and the commit before it."""

    migrations: Migrations
    place: LedgerPlace
    environments: tuple[Before, ...]
    """Asked what they executed, where their URLs are known; else only about a revision that was rewritten."""
    hints: Hints
    env: Mapping[str, str]


def check(request: CheckRequest, record: RunRecord) -> None:
    """Fill the record with the gates `history` and `heads`; the outcome is READY when both pass.

    Raises ProjectError when files do not tell the history.
    """
    files = read_project(request.migrations, request.place.root, request.env)
    refuse_unread(files, request.migrations.heads)
    for text in files.project.notes:
        record.warn(text)
    rows = VersionRows(rows=(), table_exists=False, id_length=ALEMBIC_ID_LENGTH)
    survey = Survey(history=files, rows=rows, plan=plan_history(files, None, "postgresql"))
    inputs = describe_project("", request.migrations, survey, env=request.env)
    # Reading the history parses the heads of the files only; a merged file that is broken blocks its environment.
    broken = find_broken_sources(files.graph.revisions.values(), files.project.root)
    inputs = replace(inputs, problems=inputs.problems + broken)
    record.plan = survey.plan
    record.keep_gates((_judge_history(request, files, inputs, record), heads.check(inputs)))
    is_blocked = any(gate.outcome is GateOutcome.FAILED for gate in record.gates)
    record.outcome = Outcome.BLOCKED if is_blocked else Outcome.READY


def _judge_history(
    request: CheckRequest, files: History, inputs: GateInputs, record: RunRecord
) -> GateResult:
    try:
        with record.stage("history") as note:
            rewritten, note.result = _compare(request, files, record)
    except GitError as exc:
        return GateResult(
            name=history.NAME,
            outcome=GateOutcome.FAILED,
            message=f"it cannot be told whether revisions were rewritten: {exc.message}",
            next_step=exc.next_step,
        )
    found = history.check(replace(inputs, rewritten=rewritten))
    if found.outcome is not GateOutcome.PASSED:
        return found
    first, *rest = found.message.split("\n")
    return replace(found, message="\n".join([f"{first}; {note.result}", *rest]))


def _compare(
    request: CheckRequest, files: History, record: RunRecord
) -> tuple[tuple[Rewritten, ...], str]:
    """Return the rewritten revisions, by the commit before and by the ledgers that can be read, and that commit."""
    allowed, env = request.migrations.allow_edit, request.env
    since, base = _find_rewrites(request, files, record)
    changed = {rewrite.known.revision for rewrite in since}
    ran = _find_in_ledgers(request, files, record)
    weighed = weigh_rewrites(
        spare_replaced(
            since + [each for name, each in ran.items() if name not in changed], allowed
        ),
        files,
        request.place,
        request.environments,
        allowed=allowed,
        env=env,
    )
    if base is None:
        return weighed, "nothing earlier to compare with; --base names it"
    rewritten = tuple(
        replace(item, is_older=item.rewrite.known.revision not in changed) for item in weighed
    )
    return rewritten, f"compared with {base.how}"


def _find_in_ledgers(
    request: CheckRequest, files: History, record: RunRecord
) -> dict[str, Rewrite]:
    """Return what an environment executed and what its file says something else of, by revision.

    One that a ledger knows and this branch does not is no fault: another branch has it.
    """
    found: dict[str, Rewrite] = {}
    for other in request.environments:
        if not (request.place.url or other.url):
            continue
        try:
            known = open_ledger_of(request.place, other).executed()
        except CiMigrateError as exc:
            record.warn(f"{other.name} was not asked what it has executed: {exc.message}")
            continue
        for rewrite in compare_ledger(files, known, request.env):
            if rewrite.change is not Change.DELETED:
                found.setdefault(rewrite.known.revision, rewrite)
    return found


def _find_rewrites(
    request: CheckRequest, files: History, record: RunRecord
) -> tuple[list[Rewrite], Base | None]:
    """Return what was rewritten since a commit: by git, or, where the checkout does not have it, by GitHub."""
    tokens, hints = tokens_of(request.env), request.hints
    server = request.env.get("GITHUB_SERVER_URL", "")
    signed = {**request.env, **show_token(request.env, server, tokens[0] if tokens else None)}

    look = partial(_look, files, signed)
    try:
        return look(hints)
    except GitError as exc:
        try:
            told = ask_then(files, request.env, hints)
        except (GitError, GitHubError) as also:
            silence = explain_silence(exc, also)
            with suppress(GitError):
                # What a forced push threw away may be kept by nobody: then the branch as a whole is compared.
                found, base = look(replace(hints, base_commit=None))
                if hints.base_commit and base is not None:
                    record.warn(f"{silence.message}. What only that commit had is not missed.")
                    return found, base
            raise silence from exc
        if told is None:
            raise
        return find_rewrites_of(files, told[0]), told[1]


def _look(
    files: History, env: Mapping[str, str], hints: Hints
) -> tuple[list[Rewrite], Base | None]:
    base = find_base(files.project.root, env, hints)
    return (find_rewrites_since(files, env, base.commit) if base else []), base
