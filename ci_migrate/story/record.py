"""What a run has found and done so far; becomes a `Promotion`, however the run ends."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ci_migrate.debug import format_error
from ci_migrate.errors import ExitCode, InterruptedRunError, ToldError
from ci_migrate.foreseen import Forecast, Rehearsal
from ci_migrate.models import (
    AppliedRevision,
    Backup,
    Failure,
    GateResult,
    Outcome,
    Plan,
    Promotion,
    RunInfo,
)
from ci_migrate.observer import Observer
from ci_migrate.redact import Redactor

LONGEST_TEXT = 4_000
"""Characters of a message or statement that are kept."""
_EMPTY_PLAN = Plan(current=(), target=(), pending=())


@dataclass(kw_only=True)
class StageNote:
    """What a stage wants to say when it ends."""

    result: str = ""


@dataclass(kw_only=True)
class RunRecord:
    """The one mutable value of a run; stages fill it in, `promotion` freezes it."""

    command: str
    """The command of ci-migrate that runs."""
    goal: Outcome
    """The outcome once all is done."""
    environment: str | None
    run: RunInfo
    root: Path
    observer: Observer
    redactor: Redactor
    outcome: Outcome = Outcome.FAILED
    plan: Plan = _EMPTY_PLAN
    untold: frozenset[str] = frozenset()
    reached: tuple[str, ...] | None = None
    applied: tuple[AppliedRevision, ...] = ()
    gates: tuple[GateResult, ...] = ()
    backup: Backup | None = None
    rehearsal: Rehearsal | None = None
    forecast: Forecast | None = None
    failure: Failure | None = None
    follow_up: str | None = None
    warnings: list[str] = field(default_factory=list)
    versions: Mapping[str, str] = field(default_factory=dict)
    stage_name: str = "config"
    is_debug: bool = False
    """Whether the traceback of an expected failure is shown, too."""
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def stage(self, name: str) -> Iterator[StageNote]:
        """Name the stage that is going on, and tell the observer when it begins and ends."""
        self.stage_name = name
        self.observer.stage_started(name)
        started, note = time.monotonic(), StageNote()
        try:
            yield note
        except BaseException as exc:
            note.result = "stopped" if isinstance(exc, InterruptedRunError) else "failed"
            raise
        finally:
            self.observer.stage_ended(name, note.result, time.monotonic() - started)

    def warn(self, text: str) -> None:
        """Keep a warning for the report, and tell it at once."""
        clean = self._shown(text)
        self.warnings.append(clean)
        self.observer.warn(clean)

    def note(self, text: str) -> None:
        """Tell the observer what goes on, without secrets."""
        self.observer.note(self.redactor.clean(text))

    def keep_gates(self, gates: Iterable[GateResult]) -> None:
        """Keep the answers of the gates, without secrets in what they say."""
        clean = self.redactor.clean
        self.gates = tuple(
            replace(
                gate,
                message=self._shown(gate.message),
                next_step=clean(gate.next_step) if gate.next_step else None,
                reason=clean(gate.reason) if gate.reason else None,
            )
            for gate in gates
        )

    def fail(self, error: Exception | ToldError) -> None:
        """Keep why the run stops; secrets are taken out of everything that will be shown.

        An exception that is none of ours is a bug and kept as one.
        """
        if not isinstance(error, ToldError):
            self._fail_as_bug(error)
            return
        if self.is_debug:
            self.observer.warn(self.redactor.clean(format_error(error)))
        where, clean = error.where, self.redactor.clean
        self.failure = Failure(
            stage=self.stage_name,
            kind=error.kind,
            message=self._shown(error.message),
            exit_code=error.exit_code,
            revision=where.revision,
            file=self._shown_path(where.file),
            line=where.line,
            statement=self._shown(where.statement) if where.statement else None,
            executed=tuple(self._shown(statement) for statement in where.executed),
            next=clean(error.next_step) if error.next_step else None,
        )

    def _fail_as_bug(self, error: Exception) -> None:
        """Keep a failure that nobody expected."""
        self.failure = Failure(
            stage=self.stage_name,
            kind="bug",
            message=self.redactor.clean(f"{type(error).__name__}: {error}"),
            exit_code=ExitCode.BUG,
            next="This is a bug in ci-migrate: please report it with the traceback and the versions.",
        )

    def forget_attempt(self) -> None:
        """Begin anew, but for warnings and time: the attempt has changed nothing.

        The ledger keeps the attempt as a run of its own.
        """
        self.run = replace(self.run, run_id=str(uuid.uuid4()))
        self.outcome, self.plan, self.reached = Outcome.FAILED, _EMPTY_PLAN, None
        self.applied, self.gates, self.backup, self.failure = (), (), None, None

    def advise(self, next_step: str) -> None:
        """Add to the failure what to do next, unless it says so already."""
        if self.failure is not None and self.failure.next is None:
            self.failure = replace(self.failure, next=self.redactor.clean(next_step))

    def promotion(self) -> Promotion:
        """Freeze the record."""
        return Promotion(
            outcome=self.outcome,
            command=self.command,
            environment=self.environment,
            run=self.run,
            current=self.plan.current,
            reached=self.plan.current if self.reached is None else self.reached,
            target=self.plan.target,
            pending=self.plan.pending,
            untold=self.untold,
            applied=self.applied,
            gates=self.gates,
            backup=self.backup,
            rehearsal=self.rehearsal,
            forecast=self.forecast,
            failure=self.failure,
            follow_up=self.follow_up,
            warnings=tuple(self.warnings),
            seconds=time.monotonic() - self.started,
            versions=self.versions,
        )

    def _shown(self, text: str) -> str:
        """Return a text without secrets, then cut: half a secret would not be found."""
        clean = self.redactor.clean(text)
        return clean if len(clean) <= LONGEST_TEXT else clean[: LONGEST_TEXT - 2] + " …"

    def _shown_path(self, file: str | None) -> str | None:
        if file is None:
            return None
        path = Path(file)
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else file
