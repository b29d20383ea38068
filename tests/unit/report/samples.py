"""Finished runs for the reporters: one per outcome, and with the worst words that others can write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ci_migrate.errors import ExitCode
from ci_migrate.foreseen import Forecast, LockSeen, Rehearsal, RehearsedRevision
from ci_migrate.models import (
    AppliedRevision,
    Backup,
    Failure,
    GateOutcome,
    GateResult,
    Outcome,
    Promotion,
    RunInfo,
)
from ci_migrate.pending_revision import Content, PendingRevision

CONTENT = ("content_hash", "former_hashes", "atomic", "why_not_atomic")
HOSTILE = (
    "<!channel> @octocat | a ` b ``` c ~~~ [x](https://evil.example) <img src=x onerror=alert(1)> "
    "https://evil.example www.evil.example me@evil.example #1 GH-1 $x$ **b** :tada:\n"
    "| cell | cell |\n```\n::error::no\n##[error]no\n# head\n- [ ] do\n</details>\r\x1b[31mred\x00\u202e"
)

RUN = RunInfo(
    run_id="0b1f",
    started_at="2026-11-01T12:00:00.000Z",
    branch="main",
    commit="1234567890abcdef1234567890abcdef12345678",
    actor="ada",
    run_url="https://github.com/acme/shop/actions/runs/1/attempts/1",
    commit_url="https://github.com/acme/shop/commit/1234567890abcdef1234567890abcdef12345678",
    host="runner",
)
BACKUP = Backup(
    backend="postgres",
    location=".ci-migrate/backups/production-1.dump",
    bytes=1_234_567,
    sha256="ab" * 32,
    verified="pg_restore lists all 7 tables",
    seconds=1.23456,
)


def make_pending(revision: str, message: str = "create a table", **more: Any) -> PendingRevision:
    """Return a pending revision."""
    told = {name: more.pop(name) for name in CONTENT if name in more}
    content = Content(**{"content_hash": "h", "atomic": True, **told})
    values = {
        "revision": revision,
        "message": message,
        "file": f"migrations/versions/{revision}_x.py",
        "parents": (),
        "source": "",
        "read_content": lambda: content,
        **more,
    }
    return PendingRevision(**values)


PENDING = (make_pending("aaaa1111"), make_pending("bbbb2222", "add a column", atomic=False,
                                                  why_not_atomic="MariaDB commits DDL"))  # fmt: skip
FAILURE = Failure(
    stage="upgrade",
    kind="upgrade",
    message='UndefinedTable: relation "nowhere" does not exist',
    exit_code=ExitCode.UPGRADE_FAILED,
    revision="bbbb2222",
    file="migrations/versions/bbbb2222_x.py",
    line=21,
    statement="ALTER TABLE nowhere ADD COLUMN x INTEGER",
    executed=("CREATE TABLE extra (id INTEGER)",),
    next="Correct bbbb2222 and push again.",
)


def make_promotion(outcome: Outcome, **more: Any) -> Promotion:
    """Return a plausible run that ended so."""
    values: dict[str, Any] = {
        "outcome": outcome,
        "environment": "production",
        "run": RUN,
        "target": ("bbbb2222",),
        "pending": PENDING,
        "seconds": 12.3456,
        "versions": {"alembic": "1.13.0"},
    }
    values |= _BY_OUTCOME[outcome]
    return Promotion(**{**values, **more})


FORECAST = Forecast(
    source="staging, 2026-11-20",
    revisions=(RehearsedRevision(revision="aaaa1111", seconds=61.0, statements=1, locks=None),),
)


def make_hostile(outcome: Outcome, words: str = HOSTILE) -> Promotion:
    """Return a run in which everything that strangers write is `words`."""
    plain = make_promotion(outcome)
    return replace(
        plain,
        run=replace(RUN, branch=words, actor=words),
        pending=tuple(replace(item, message=words, file=words) for item in PENDING),
        gates=(_gate(GateOutcome.FAILED, message=words, next_step=words),),
        failure=replace(FAILURE, message=words, statement=words, executed=(words, words), next=words,
                        file=words),
        warnings=(words,),
        versions={"alembic": words},
        backup=replace(BACKUP, location=words),
        rehearsal=make_rehearsal(words),
        forecast=replace(FORECAST, source=words),
    )  # fmt: skip


def make_rehearsal(table: str, outcome: str = "passed") -> Rehearsal:
    """Return a rehearsal of the pending revisions; the first locked the table, the second did not end."""
    lock = LockSeen(revision="aaaa1111", table=table, mode="AccessExclusiveLock", seconds=0.25)
    first = RehearsedRevision(revision="aaaa1111", seconds=0.5, statements=2, locks=(lock,))
    second = RehearsedRevision(revision="bbbb2222", seconds=None, statements=1, locks=())
    return Rehearsal(
        outcome=outcome,
        where=f"a scratch database of {table}",
        seconds=3.0,
        revisions=(first, second),
    )


def _gate(outcome: GateOutcome, **more: Any) -> GateResult:
    return GateResult(**{"name": "heads", "outcome": outcome, "message": "2 heads", **more})


_APPLIED = AppliedRevision(revision="aaaa1111", message="create a table", seconds=0.5)
_BY_OUTCOME: dict[Outcome, dict[str, Any]] = {
    Outcome.PROMOTED: {
        "reached": ("bbbb2222",),
        "applied": (_APPLIED, replace(_APPLIED, revision="bbbb2222", seconds=None)),
        "backup": BACKUP,
        "gates": (_gate(GateOutcome.PASSED, message="one head"),),
    },
    Outcome.ROLLED_BACK: {
        "command": "rollback", "current": ("bbbb2222",), "target": ("aaaa1111",),
        "reached": ("aaaa1111",), "pending": (PENDING[-1],), "backup": BACKUP,
        "applied": (replace(_APPLIED, revision="bbbb2222"),),
    },
    Outcome.RESTORED: {
        "command": "restore", "current": ("bbbb2222",), "target": ("aaaa1111",),
        "reached": ("aaaa1111",), "pending": (), "backup": BACKUP,
    },
    Outcome.ADOPTED: {
        "command": "adopt", "current": (), "target": ("aaaa1111",), "reached": ("aaaa1111",),
        "pending": (),
    },
    Outcome.RECOVERED: {
        "command": "recover", "current": ("bbbb2222",), "target": ("aaaa1111",),
        "reached": ("aaaa1111",), "pending": (PENDING[-1],), "backup": BACKUP,
    },
    Outcome.NOTHING_TO_DO: {
        "current": ("bbbb2222",), "reached": ("bbbb2222",), "pending": (),
    },
    Outcome.READY: {},
    Outcome.BLOCKED: {
        "gates": (
            _gate(GateOutcome.FAILED, next_step='    alembic merge -m "merge heads" aaaa bbbb'),
            _gate(GateOutcome.PASSED, name="history", message="2 revisions"),
        ),
        "failure": replace(
            FAILURE, stage="gates", kind="gate", message="heads: 2 heads", revision=None, file=None,
            line=None, statement=None, executed=(), next=None, exit_code=ExitCode.BLOCKED,
        ),
    },
    Outcome.FAILED: {"backup": BACKUP, "failure": FAILURE},
    Outcome.PARTIAL: {
        "backup": BACKUP, "failure": FAILURE, "applied": (_APPLIED,), "reached": ("aaaa1111",),
    },
    Outcome.UNVERIFIED: {
        "backup": BACKUP,
        "failure": replace(FAILURE, stage="verify", kind="not-verified", revision=None, executed=(),
                           message="a fresh connection reads no row", statement=None,
                           exit_code=ExitCode.NOT_VERIFIED),
    },
}  # fmt: skip
