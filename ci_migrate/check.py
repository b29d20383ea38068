"""`check`: what a pull request or a push may not do to the revisions, told from files and git alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ci_migrate.base_history import find_rewrites_of, find_rewrites_since
from ci_migrate.config.environment import Migrations
from ci_migrate.database.version_rows import ALEMBIC_ID_LENGTH, VersionRows
from ci_migrate.errors import GitError, GitHubError, ProjectError
from ci_migrate.evidence.sources import Before, LedgerPlace
from ci_migrate.gates import heads, history
from ci_migrate.gates.inputs import GateInputs, Rewritten
from ci_migrate.git.base import Base, Hints, find_base
from ci_migrate.git.fetch import show_token
from ci_migrate.git.last_change import describe_last_change
from ci_migrate.github.rest import tokens_of
from ci_migrate.models import GateOutcome, GateResult, Outcome
from ci_migrate.preflight import describe_project
from ci_migrate.remote_base import ask_then, explain_silence
from ci_migrate.revisions.rewrite import Rewrite, spare_replaced
from ci_migrate.rewrites import ask_elsewhere, weigh_rewrites
from ci_migrate.story.record import RunRecord
from ci_migrate.survey import History, Survey, plan_history, read_project


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """A work tree, and the commit before it."""

    migrations: Migrations
    place: LedgerPlace
    environments: tuple[Before, ...]
    """Asked only whether they executed a revision that was rewritten."""
    hints: Hints
    env: Mapping[str, str]


def check(request: CheckRequest, record: RunRecord) -> None:
    """Fill the record with the gates `history` and `heads`; the outcome is READY when both pass.

    Raises ProjectError when files do not tell the history.
    """
    files = read_project(request.migrations, request.place.root, request.env)
    if files.unreadable:
        raise ProjectError(
            f"the revisions cannot be read as text: {'; '.join(files.unreadable)}",
            next_step="Name their folders in `migrations.versions`.",
        )
    for text in files.project.notes:
        record.warn(text)
    rows = VersionRows(rows=(), table_exists=False, id_length=ALEMBIC_ID_LENGTH)
    survey = Survey(history=files, rows=rows, plan=plan_history(files, None, "postgresql"))
    inputs = describe_project("", request.migrations, survey, env=request.env)
    record.plan = survey.plan
    record.keep_gates((_judge_history(request, files, inputs, record), heads.check(inputs)))
    is_blocked = any(gate.outcome is GateOutcome.FAILED for gate in record.gates)
    record.outcome = Outcome.BLOCKED if is_blocked else Outcome.READY


def _judge_history(
    request: CheckRequest, files: History, inputs: GateInputs, record: RunRecord
) -> GateResult:
    try:
        with record.stage("history") as note:
            rewritten, note.result = _compare(request, files)
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


def _compare(request: CheckRequest, files: History) -> tuple[tuple[Rewritten, ...], str]:
    """Return the revisions that were rewritten, and with what was compared."""
    root, env, allowed = files.project.root, request.env, request.migrations.allow_edit
    rewrites, base = _find_rewrites(request, files)
    if base is None:
        return (), "nothing earlier to compare with; --base names it"
    rewritten = weigh_rewrites(
        spare_replaced(rewrites, allowed),
        allowed=allowed,
        ask=lambda: ask_elsewhere(request.place, request.environments),
        describe=lambda file: describe_last_change(root, env, file),
    )
    return rewritten, f"compared with {base.how}"


def _find_rewrites(request: CheckRequest, files: History) -> tuple[list[Rewrite], Base | None]:
    """Return what was rewritten since a commit: by git, or, where the checkout is shallow, by GitHub."""
    root, tokens = files.project.root, tokens_of(request.env)
    server = request.env.get("GITHUB_SERVER_URL", "")
    signed = {**request.env, **show_token(request.env, server, tokens[0] if tokens else None)}
    try:
        base = find_base(root, signed, request.hints)
        return (find_rewrites_since(files, signed, base.commit) if base else []), base
    except GitError as exc:
        try:
            told = ask_then(files, request.env, request.hints)
        except (GitError, GitHubError) as also:
            raise explain_silence(exc, also) from exc
        if told is None:
            raise
        return find_rewrites_of(files, told[0]), told[1]
