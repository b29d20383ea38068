"""The story of a recovery: what no file declares any more is taken back by its own downgrade."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ci_migrate.errors import BlockedError, ProjectError
from ci_migrate.gates.rewritten import APART_ADVICE
from ci_migrate.git.search import is_known
from ci_migrate.ledger.ledger import Ledger
from ci_migrate.models import Outcome, Plan, Promotion, Revision
from ci_migrate.pending_revision import Content, PendingRevision
from ci_migrate.recovery.half_applied import HalfApplied
from ci_migrate.recovery.lost_sources import LostSource, LostSources
from ci_migrate.recovery.orphans import Orphans, find_orphans
from ci_migrate.recovery.restore_offer import offer_explained_backup
from ci_migrate.recovery.stub import describe_stub
from ci_migrate.recovery.undo_half import is_half_done, recover_half
from ci_migrate.rehearsal.trial import TrialRequest
from ci_migrate.revisions.atomic import describe_atomicity
from ci_migrate.revisions.content import content_hashes
from ci_migrate.revisions.moves import find_accepted
from ci_migrate.revisions.way_back import read_way_back
from ci_migrate.rollback.losses import count_losses, find_doubts, warn_of_losses
from ci_migrate.story.backup_stage import back_up
from ci_migrate.story.execution import Execution
from ci_migrate.story.frame import RunRequest, hold_database, run_story
from ci_migrate.story.record import RunRecord
from ci_migrate.story.unfinished_runs import settle_unfinished
from ci_migrate.survey import History, Survey, read_files, survey_database
from ci_migrate.words import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverRequest(RunRequest):
    """One environment whose database has revisions that no file declares."""

    show: Callable[[Orphans], None]
    """Shows what was found, and the plan."""
    confirm: Callable[[], None]
    """Has the plan confirmed; raises when it is not."""
    show_half: Callable[[HalfApplied], None]
    """Shows what is left of a revision that ended in the middle."""
    show_missing: Callable[[Sequence[str]], None]
    """Shows the statements that such a revision still lacks."""
    confirm_undo: Callable[[HalfApplied], None]
    """Has the undoing confirmed; raises when it is not."""
    is_dry_run: bool
    undo: bool = False
    """Whether what is left of a half-applied revision is to be undone."""
    finish: bool = False
    """Whether what is missing of a half-applied revision is to be run."""
    undone: tuple[str, ...] = ()
    """Revisions of which nothing is left half done, as the user says."""

    def trial(self, history: History) -> TrialRequest:
        """Return a request to try a history on a scratch database."""
        return TrialRequest(
            environment=self.environment,
            history=history,
            run_id=self.run.run_id,
            env=self.env,
            observer=self.observer,
            redactor=self.redactor,
            now=self.now,
        )


def recover(request: RecoverRequest) -> Promotion:
    """Take the orphans of a database back, and return the record of it."""
    return run_story(
        request,
        lambda record: _recover(request, record),
        command="recover",
        goal=Outcome.RECOVERED,
    )


def _recover(request: RecoverRequest, record: RunRecord) -> None:
    record.stage_name = "plan"
    history = read_readable(request)
    with hold_database(request, record, history) as execution:
        survey = survey_database(history, execution.database)
        record.plan = replace(survey.plan, pending=())
        with record.stage("plan") as note:
            orphans = look_for_orphans(request, survey, execution.ledger)
            note.result = describe_found(orphans)
        nothing_lost = not (orphans.found or orphans.unknown)
        if nothing_lost or is_half_done(execution, survey, orphans, request.undone):
            recover_half(request, execution, survey, orphans)
            return
        request.show(orphans)
        refuse_foreign(orphans, lambda name: is_known(history.project.root, request.env, name))
        refuse_unrecoverable(
            orphans,
            lambda: offer_explained_backup(request.environment, request.env, history.graph),
        )
        plan = plan_recovery(survey.plan.current, orphans, execution.database.dialect)
        record.plan = plan
        _tell_losses(execution, orphans)
        if request.is_dry_run:
            record.outcome = Outcome.READY
            return
        request.confirm()
        settle_unfinished(execution, survey)
        back_up(execution, rows=plan.current)
        whole = replace(history, graph=orphans.graph)
        _take_back(execution, replace(survey, history=whole, plan=plan), orphans)


def read_readable(request: RunRequest) -> History:
    """Return the history of the work tree; raises ProjectError when it cannot be recovered by Alembic."""
    history = read_files(request.environment, request.env)
    if request.environment.migrations.upgrade_command or history.untold:
        why = "; ".join(history.unreadable) or "`migrations.command` runs them"
        raise ProjectError(
            f"only revisions that are read as text and run by Alembic can be recovered: {why}",
            next_step="Check out the commit that has the lost file, and take the revision back there.",
        )
    return history


def look_for_orphans(request: RunRequest, survey: Survey, ledger: Ledger) -> Orphans:
    """Return what the database has and no file declares."""
    history, plan = survey.history, survey.plan
    sources = LostSources(ledger, history.project, request.env)
    accepted = find_accepted(
        request.environment.migrations.allow_edit,
        sources.parents,
        history.graph,
        [each.revision for each in plan.pending],
    )
    executed = {name: parents for name, parents in sources.parents.items() if name not in accepted}
    return find_orphans(history.graph, plan.current, sources.find, executed)


def describe_found(orphans: Orphans) -> str:
    """Return in a few words what is lost."""
    count = len(orphans.found) + len(orphans.unknown)
    if not count:
        return "every version row has its revision file"
    lost = [item.revision.id for item in orphans.found if item.revision.id not in orphans.kept]
    lost += orphans.unknown
    told = [f"{counted(len(lost), 'revision')} without a file: {', '.join(lost)}"] if lost else []
    if orphans.moved:
        told.append(f"re-parented since they ran: {', '.join(orphans.moved)}")
    return "; ".join(told)


def refuse_foreign(orphans: Orphans, is_known: Callable[[str], bool]) -> None:
    """Raise BlockedError for revisions that seem to be another project's; `is_known` asks git for one.

    Their downgrades would drop that project's tables.
    """
    apart = orphans.apart
    if not apart or is_known(apart[0]) or is_known(apart[-1]):
        return
    raise BlockedError(
        f"{', '.join(apart[:10])}{', …' if len(apart) > 10 else ''} have nothing in common with the revisions of these"
        " files, and no commit here ever had them: they seem to be of another project that uses this database",
        next_step=f"{APART_ADVICE} If they are yours after all, fetch the commits that have them (git fetch"
        " --unshallow), or bring their files back: ci-migrate recover --restore-file.",
    )


def refuse_unrecoverable(orphans: Orphans, offer: Callable[[], str]) -> None:
    """Raise BlockedError for what cannot be taken back, with what can be done instead; `offer` names a backup."""
    if orphans.unknown:
        raise BlockedError(
            f"neither the ledger nor git has the text of {', '.join(orphans.unknown)}",
            next_step="Fetch the branches that may have it (git fetch --all), or ask who wrote it. Failing that, "
            + _with(describe_stub(orphans.unknown[0], ()), offer()),
        )
    if orphans.below:
        raise BlockedError(
            f"{', '.join(orphans.below)} has a file and is built on"
            f" {', '.join(item.revision.id for item in orphans.found)}, which has none",
            next_step="Bring the file back: ci-migrate recover --restore-file, then commit it.",
        )
    for item in orphans.found:
        problem = read_way_back(item.source, item.revision.file).problem
        if problem:
            raise BlockedError(
                f"{item.revision.id} {problem}",
                next_step=_with(_keep(item.revision, orphans), offer()),
            )


def _keep(revision: Revision, orphans: Orphans) -> str:
    """Return how the files can be made to explain a revision that cannot be taken back."""
    if revision.id in orphans.kept:
        moved = ", ".join(
            f"{item.revision.id} (down_revision {', '.join(item.revision.parents) or 'None'})"
            for item in orphans.found
            if item.revision.id in orphans.moved
        )
        return f"Let the files say again what ran here: {moved}; what is new follows it."
    return (
        "Bring its file back: ci-migrate recover --restore-file, then commit it, and go on from there with a new"
        f" revision. If its upgrade must not stay in the code, {describe_stub(revision.id, revision.parents)}"
    )


def _with(advice: str, offer: str) -> str:
    return f"{advice}\n{offer}" if offer else advice


def plan_recovery(rows: tuple[str, ...], orphans: Orphans, dialect: str) -> Plan:
    """Return the plan that takes the orphans back, children first."""
    return Plan(
        current=rows,
        target=orphans.target,
        pending=tuple(_describe(item, dialect) for item in orphans.found),
        direction="downgrade",
    )


def _describe(item: LostSource, dialect: str) -> PendingRevision:
    revision = item.revision
    atomic, reason = describe_atomicity(item.source, dialect, revision.file, "downgrade")
    hashes = content_hashes(item.source, revision.file)
    content = Content(
        content_hash=item.executed.content_hash if item.executed else hashes[0],
        atomic=atomic,
        why_not_atomic="" if atomic else reason,
    )
    return PendingRevision(
        revision=revision.id,
        message=revision.message,
        file=None,
        parents=revision.parents,
        source=item.source,
        read_content=lambda: content,
    )


def _tell_losses(execution: Execution, orphans: Orphans) -> None:
    for item in orphans.found:
        way = read_way_back(item.source, item.revision.file)
        losses, doubts = count_losses(execution.database, way), find_doubts(way)
        what = f"the downgrade of {item.revision.id}"
        warn_of_losses(execution.record, losses, doubts, what)


def _take_back(execution: Execution, survey: Survey, orphans: Orphans) -> None:
    from ci_migrate.story.execute import execute_plan

    with tempfile.TemporaryDirectory(prefix="ci-migrate-") as folder:
        for number, text in enumerate(_texts(survey, orphans)):
            # Ids come out of a table: not every one is a name for a file.
            Path(folder, f"lost_{number}.py").write_text(text, encoding="utf-8")
        execution.version_locations = (folder,)
        execution.replaces_versions = bool(orphans.kept)
        try:
            execute_plan(execution, survey)
        finally:
            execution.close()
            execution.version_locations, execution.replaces_versions = (), False


def _texts(survey: Survey, orphans: Orphans) -> Iterator[str]:
    """Yield the texts of what is lost; where files say something else by now, those of the whole history as it ran."""
    for item in orphans.found:
        yield item.source
    if orphans.kept:
        ours = {item.revision.id for item in orphans.found}
        root = survey.history.project.root
        for revision in orphans.graph.revisions.values():
            if revision.id not in ours and revision.file:
                yield (root / revision.file).read_text("utf-8")
