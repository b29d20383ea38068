"""The worker runs the revisions of a plan, and asks before what cannot be taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ci_migrate.errors import InterruptedRunError, ToldError, Where, WorkerError
from ci_migrate.migrations import Event, Worker
from ci_migrate.models import Plan, Remains
from ci_migrate.observer import Observer
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.remains import MAYBE
from ci_migrate.upgrade.report import UpgradeReport, take_event


@dataclass(frozen=True, kw_only=True)
class Control:
    """What an upgrade or downgrade needs of the run around it; the numbers are those of sessions on the server."""

    refuse: Callable[[], str]
    """Says why no further revision may begin; empty when it may."""
    leave: float
    """Seconds for which such an answer is good; 0 to be asked before each revision."""
    keep: Callable[[tuple[Remains, ...]], None]
    """Writes down what revisions that are not atomic have done and are about to do."""
    cancel: Callable[[int | None], tuple[str, ...]]
    """Cancels the statement of env.py's session, and those of the project's others, which it returns."""
    wait_for_end: Callable[[int | None], Mapping[int, str]]
    """Waits for the sessions whose client is gone; returns the statements of those that go on for too long."""
    await_connection: Callable[[], object]
    """Called while env.py has not come to the revisions yet; what it raises ends the wait."""


def run_revisions(
    worker: Worker,
    plan: Plan,
    challenge: Mapping[str, str],
    *,
    report: UpgradeReport,
    observer: Observer,
    control: Control,
) -> None:
    """Run the revisions of the plan in one Alembic run and fill in the report, also with their failure.

    When this process is told to stop, the statement of env.py's session is cancelled and the worker is
    interrupted so that it rolls back; when the worker ends by itself, the server is given the time to.
    """
    planned = {pending.revision: pending for pending in plan.pending}
    messages = {revision: pending.message for revision, pending in planned.items()}
    worker.send(
        do=plan.direction,
        challenge=dict(challenge),
        expected=list(plan.current),
        not_atomic=plan.find_not_atomic(),
        revisions=list(planned),
        target=list(plan.target),
        leave=control.leave,
    )
    # What a revision may take is the user's to say; before the first, env.py has the probe's deadline.
    look = _look_until_connected(report, control)
    try:
        for event in worker.events("ran", "failed", while_silent=look):
            take_event(event, report, messages, observer)
            _answer(event, worker, report, control)
            _read_what_ran(event, planned)
    except WorkerError as exc:
        report.failure = report.failure or exc
        _end_session(report, control)
    except ToldError as exc:
        report.failure = exc
        _stop(worker, report, messages, observer, control)
    if report.failure is not None and report.failure.where == Where():
        report.failure.where = Where(revision=report.running, executed=_executed(report))


def _look_until_connected(report: UpgradeReport, control: Control) -> Callable[[], object]:
    return lambda: None if report.is_connected else control.await_connection()


def _answer(event: Event, worker: Worker, report: UpgradeReport, control: Control) -> None:
    """Let the worker go on where it has asked."""
    if event["event"] == "next":
        if reason := control.refuse():
            worker.send(do="stop", reason=reason)
        worker.send(do="go", to="next")
    elif event["event"] == "statement_begins":
        if not event["is_locked"]:
            control.keep(tuple(report.remains.values()))
        worker.send(do="go", to="statement_begins")


def _read_what_ran(event: Event, planned: Mapping[str, PendingRevision]) -> None:
    """Parse a revision while the server works on the next: the ledger and the report will want to know what it says."""
    if event["event"] == "revision_done" and event["revision"] in planned:
        planned[event["revision"]].read_now()


def _stop(
    worker: Worker,
    report: UpgradeReport,
    messages: Mapping[str, str],
    observer: Observer,
    control: Control,
) -> None:
    # Before the server answers: what it says of the cancelled statement is no news.
    worker.send(do="cancel")
    beside = control.cancel(report.server_id)
    worker.interrupt()
    reason = report.failure
    for event in worker.rest():
        take_event(event, report, messages, observer)
        if (
            event["event"] == "ran"
            and event["finished"]
            and isinstance(reason, InterruptedRunError)
        ):
            observer.note(f"the stop came when the {report.direction} was complete")
            report.failure = None
            return
    report.failure = reason
    _end_session(report, control, beside)


def _end_session(report: UpgradeReport, control: Control, beside: tuple[str, ...] = ()) -> None:
    """Wait for what the server still does for a worker that has ended: only then can its traces be read."""
    beside += control.cancel(report.server_id)
    left = control.wait_for_end(report.server_id)
    report.still_running = tuple(sorted(left))
    others = (text for number, text in left.items() if number != report.server_id)
    report.take_beside((*beside, *others))


def _executed(report: UpgradeReport) -> tuple[str, ...]:
    begun = [f"{report.begun} {MAYBE}"] if report.begun else []
    return (*report.executed, *begun)
