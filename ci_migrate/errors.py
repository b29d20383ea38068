"""Every failure of ci-migrate that is expected, and the exit code it ends with."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar


class ExitCode(enum.IntEnum):
    """The process exit codes; all others are reserved (docs/reference/exit-codes.md)."""

    OK = 0
    BUG = 1
    USAGE = 2
    BLOCKED = 3
    BACKUP_FAILED = 4
    UPGRADE_FAILED = 5
    UPGRADE_PARTIAL = 6
    NOT_VERIFIED = 7
    LOCK_NOT_ACQUIRED = 8
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The place in the user's files or statements that a failure points at; any part may be unknown."""

    revision: str | None = None
    file: str | None = None
    line: int | None = None
    statement: str | None = None
    executed: tuple[str, ...] = ()
    """Statements of the failing revision that had run before it failed, oldest first."""


class ToldError(BaseException):
    """What ends a run and is told to the user without a traceback: a failure, or a stop."""

    exit_code: ClassVar[ExitCode]
    kind: ClassVar[str]

    def __init__(
        self, message: str, *, next_step: str | None = None, where: Where | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.where = where or Where()


class CiMigrateError(ToldError, Exception):
    """Something expected went wrong; the message is for the user and needs no traceback."""

    exit_code = ExitCode.BUG
    kind = "error"


class UsageError(CiMigrateError):
    """The command line asked for something that cannot be done."""

    exit_code = ExitCode.USAGE
    kind = "usage"


class ConfigError(CiMigrateError):
    """The configuration file is wrong; every problem found is in the message."""

    exit_code = ExitCode.USAGE
    kind = "configuration"


class ProjectError(CiMigrateError):
    """The Alembic or Flask-Migrate project could not be found or read."""

    exit_code = ExitCode.USAGE
    kind = "project"


class DatabaseUnreachableError(CiMigrateError):
    """The database refused the connection or did not answer."""

    exit_code = ExitCode.BLOCKED
    kind = "connection"


class DatabaseFailedError(CiMigrateError):
    """A statement of ci-migrate's own failed, or its connection was lost."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "database"


class BlockedError(CiMigrateError):
    """A gate failed; nothing was started."""

    exit_code = ExitCode.BLOCKED
    kind = "gate"


class ProofError(BlockedError):
    """What had to be proved on a scratch database turned out not to hold; nothing was changed."""

    kind = "proof"


class HalfRestoredError(BlockedError):
    """A restore ended in its middle: the database holds a part of a backup, and nothing else may work on it."""

    kind = "half-restored"


class LockNotAcquiredError(CiMigrateError):
    """Another run held the lock of the database for longer than `lock_wait`."""

    exit_code = ExitCode.LOCK_NOT_ACQUIRED
    kind = "lock"


class BackupError(CiMigrateError):
    """No verified backup could be taken; the database was not touched."""

    exit_code = ExitCode.BACKUP_FAILED
    kind = "backup"


class ScratchError(BackupError):
    """No scratch database could be had for the proof; the database was not touched."""

    kind = "scratch"


class BackupToolError(BackupError):
    """The backup client is missing, or older than the server."""

    kind = "backup-tool"


class RestoreError(CiMigrateError):
    """A backup could not be brought back; whether the database changed is decided by reading it again."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "restore"


class LedgerError(CiMigrateError):
    """The ledger could not be created, read or written."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "ledger"


class WrongDatabaseError(CiMigrateError):
    """The project's env.py opened another database than the one the environment names."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "wrong-database"


class ProbeError(CiMigrateError):
    """The project does not behave as planned, seen before the first statement of an upgrade."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "probe"


class RowsChangedError(ProbeError):
    """Somebody else changed the version rows after the plan was made; nothing was run on what they say now."""

    kind = "rows-changed"
    found: tuple[str, ...] = ()
    """The version rows that are there now."""


class UpgradeError(CiMigrateError):
    """A revision failed; whether the database changed is decided by reading it again."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "upgrade"


class LostLockError(UpgradeError):
    """The lock of the database was lost while revisions ran; none was begun after that."""

    kind = "lock-lost"


class DowngradeError(UpgradeError):
    """Taking a revision back failed; whether the database changed is decided by reading it again."""

    kind = "downgrade"


class LockTimeoutError(UpgradeError):
    """A statement of a revision waited for a lock for longer than `lock_timeout`."""

    kind = "lock-timeout"


class WorkerError(CiMigrateError):
    """The process that runs the project's code ended without an answer."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "worker"


class NotVerifiedError(CiMigrateError):
    """The upgrade reported success, but a fresh connection does not see its target."""

    exit_code = ExitCode.NOT_VERIFIED
    kind = "not-verified"


class InterruptedRunError(ToldError):
    """The run was cancelled by SIGINT or SIGTERM; nothing that handles failures may take it for one."""

    exit_code = ExitCode.INTERRUPTED
    kind = "interrupted"


class SilentServerError(InterruptedRunError):
    """The database server gave no sign of life for longer than `answer_timeout`, so the run stopped itself."""

    exit_code = ExitCode.UPGRADE_FAILED
    kind = "silent-server"


class ProcessError(CiMigrateError):
    """A command that ci-migrate started could not be started or ended with a failure."""

    kind = "process"

    def __init__(self, message: str, *, returncode: int | None, stderr: str) -> None:
        super().__init__(message)
        self.returncode = returncode
        self.stderr = stderr


class NoAnswerError(CiMigrateError):
    """A server of the web did not answer in time, or not in HTTP."""

    kind = "no-answer"


class GitHubError(CiMigrateError):
    """GitHub's API refused a request, or could not be asked."""

    exit_code = ExitCode.BLOCKED
    kind = "github"

    def __init__(
        self, message: str, *, next_step: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status


class GitError(CiMigrateError):
    """Git is missing, or could not answer what a command has to know."""

    exit_code = ExitCode.USAGE
    kind = "git"

    def __init__(
        self, message: str, *, next_step: str | None = None, returncode: int | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.returncode = returncode


class ReporterError(CiMigrateError):
    """A reporter could not deliver; always a warning, never the outcome of a run."""

    kind = "report"
