"""The frozen values that pass from stage to stage."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ci_migrate.errors import ExitCode
from ci_migrate.foreseen import Forecast, Rehearsal
from ci_migrate.pending_revision import PendingRevision


class Outcome(enum.Enum):
    """How a run ended; `PARTIAL` (database changed) is never shown as `FAILED`."""

    PROMOTED = "promoted"
    NOTHING_TO_DO = "nothing-to-do"
    BLOCKED = "blocked"
    FAILED = "failed"
    PARTIAL = "partial"
    UNVERIFIED = "unverified"
    ROLLED_BACK = "rolled-back"
    """By downgrade: the last revision was taken back."""
    RESTORED = "restored"
    """From a backup: the database is as it was then."""
    ADOPTED = "adopted"
    """Stamped with the revision that builds exactly its schema; no revision ran."""
    RECOVERED = "recovered"
    """Brought back to what the revision files explain."""
    READY = "ready"
    """Of commands that only look (`plan`, `check`, a dry run): what was asked about could be done."""


GOOD_OUTCOMES = frozenset(
    {
        Outcome.PROMOTED,
        Outcome.NOTHING_TO_DO,
        Outcome.ROLLED_BACK,
        Outcome.RESTORED,
        Outcome.ADOPTED,
        Outcome.RECOVERED,
        Outcome.READY,
    }
)
"""The outcomes of runs that did what was asked: exit code 0."""


class GateOutcome(enum.Enum):
    """How a gate ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    WARNED = "warned"
    OVERRIDDEN = "overridden"
    """It failed, and somebody said why the run may go on nevertheless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One node of the revision graph, as its file declares it."""

    id: str
    parents: tuple[str, ...] = ()
    """`down_revision`; empty for a base."""
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    message: str = ""
    """First paragraph of the file's docstring, one line."""
    file: str | None = None
    """Path as shown to the user: relative to the working directory where that is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do, computed without a side effect."""

    current: tuple[str, ...]
    target: tuple[str, ...]
    pending: tuple[PendingRevision, ...]
    """In the order in which they run: parents first for an upgrade, last for a downgrade."""
    direction: str = "upgrade"
    """`upgrade`, `downgrade`, or `restore`, which has nothing pending."""

    def find_not_atomic(self) -> list[str]:
        """Return the revisions of which a failure may leave a part behind."""
        return [item.revision for item in self.pending if not item.is_atomic]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The answer of one gate."""

    name: str
    outcome: GateOutcome
    message: str
    next_step: str | None = None
    file: str | None = None
    line: int | None = None
    reason: str | None = None
    """Why it was overridden, in the words of whoever did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was taken and verified."""

    backend: str
    location: str
    """Path or URL of the archive; empty for backend `none`."""
    bytes: int
    sha256: str
    verified: str
    """How it was proved, in words."""
    seconds: float
    properties: Mapping[str, str] = field(default_factory=dict)
    """Of the database itself, as far as they are known: `character_set` and `collation`."""


NOT_TAKEN = Backup(
    backend="none",
    location="",
    bytes=0,
    sha256="",
    verified="not taken: the configuration says none",
    seconds=0.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What a revision that is not atomic has done so far, or had done when its run ended."""

    revision: str
    executed: tuple[str, ...]
    """Statements that ran and change something, oldest first."""
    begun: str | None = None
    """The statement after them, of which nobody knows whether it was carried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What an earlier run left in the database, told to whoever comes next."""

    remains: Remains
    started_at: str
    run_url: str | None
    restore: str
    """The command that brings the backup of that run back; empty without one."""
    direction: str = "upgrade"
    """What that run did: `upgrade` or `downgrade`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRevision:
    """A revision that ran in this run and is in the database; of a rollback, one that is there no more."""

    revision: str
    message: str
    seconds: float | None
    """Wall time of the revision; None when it was not seen to finish."""
    direction: str = "upgrade"
    """`upgrade` or `downgrade`."""
    parents: tuple[str, ...] = ()
    content_hash: str = ""
    """Hash of what it did, as of a `PendingRevision`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a promotion did not reach its target, ready to be shown."""

    stage: str
    kind: str
    message: str
    exit_code: ExitCode
    revision: str | None = None
    file: str | None = None
    line: int | None = None
    statement: str | None = None
    executed: tuple[str, ...] = ()
    is_undone: bool = False
    """Whether all of `executed` was rolled back, by what the database shows."""
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """Who runs this, where and from which commit."""

    run_id: str
    started_at: str
    """UTC, ISO 8601 with milliseconds and a trailing Z."""
    branch: str | None = None
    commit: str | None = None
    actor: str | None = None
    run_url: str | None = None
    commit_url: str | None = None
    host: str = ""

    @property
    def label(self) -> str:
        """How the run is named to another one that waits for it."""
        return f"host {self.host or '?'}" + (f", run {self.run_url}" if self.run_url else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The whole record of one run; produced for every end, also of failures."""

    outcome: Outcome
    environment: str | None
    run: RunInfo
    command: str = "promote"
    """The command of ci-migrate that made this record."""
    current: tuple[str, ...] = ()
    """Version rows before."""
    reached: tuple[str, ...] = ()
    """Version rows after, as read from a fresh connection; equal to `current` when nothing ran."""
    target: tuple[str, ...] = ()
    pending: tuple[PendingRevision, ...] = ()
    """What was pending at the start."""
    untold: frozenset[str] = frozenset()
    """Which of `current`, `target` and `pending` only the project itself could tell; they are empty."""
    applied: tuple[AppliedRevision, ...] = ()
    gates: tuple[GateResult, ...] = ()
    backup: Backup | None = None
    rehearsal: Rehearsal | None = None
    forecast: Forecast | None = None
    failure: Failure | None = None
    follow_up: str | None = None
    """What is to be done after a run that reached its goal, in words and commands."""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the process that made this promotion."""
        if self.outcome in GOOD_OUTCOMES:
            return ExitCode.OK
        if self.outcome is Outcome.PARTIAL:
            return ExitCode.UPGRADE_PARTIAL
        if self.outcome is Outcome.UNVERIFIED:
            return ExitCode.NOT_VERIFIED
        if self.outcome is Outcome.BLOCKED:
            return ExitCode.BLOCKED
        code = self.failure.exit_code if self.failure else ExitCode.UPGRADE_FAILED
        # Code 3 says that a gate blocked; a server that goes away later is another story.
        return ExitCode.UPGRADE_FAILED if code is ExitCode.BLOCKED else code


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """That an environment executed a revision."""

    revision: str
    content_hash: str
    finished_at: str
    environment: str
    rehearsal: str = ""
    """`once` when it was run on a restored copy before, `round_trip` when it was also taken back there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAnswer:
    """What one source says of the revisions that an environment executed."""

    source: str
    """`database`, `store` or `github`."""
    problem: str = ""
    """Why it says nothing; the next source is asked then."""
    is_empty: bool = False
    """Whether it was asked, and has no record of the environment at all."""
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """By revision."""
