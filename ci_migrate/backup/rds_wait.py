"""Waiting for RDS: until it can take a snapshot, and until the snapshot is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ci_migrate.backup.rds_kinds import Kind
from ci_migrate.errors import BackupError

_UNDER_WAY = frozenset({"creating", "pending", "copying", "modifying"})
"""Statuses of a snapshot that will become another."""
_BUSY = frozenset(
    {
        "available",  # by now
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-log-exports",
        "creating",
        "maintenance",
        "modifying",
        "rebooting",
        "renaming",
        "resetting-master-credentials",
        "starting",
        "storage-config-upgrade",
        "upgrading",
    }
)
"""Statuses of an instance that takes no snapshot now, but will."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_TELL_EVERY = 60.0


class Patience:
    """How long all of it may take, in seconds, 0 for any time; tells at first, and then every minute, how it stands."""

    def __init__(self, seconds: float, tell: Callable[[str], None]) -> None:
        self.seconds = seconds
        self.tell = tell
        self._started = time.monotonic()
        self._pause = _FIRST_PAUSE
        self._told: dict[str, float] = {}

    @property
    def passed(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._started

    def wait(self, about: str, status: str) -> bool:
        """Wait for a moment; return False when there is none left."""
        if self.seconds and self.passed + self._pause > self.seconds:
            return False
        told = self._told.get(about)
        if told is None or self.passed - told >= _TELL_EVERY:
            self._told[about] = self.passed
            self.tell(f"{about}: {status}, after {self.passed:.0f} s")
        time.sleep(self._pause)
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
        return True


def begin_snapshot(
    client: Any,
    kind: Kind,
    source: str,
    name: str,
    tags: list[dict[str, str]],
    patience: Patience,
) -> str:
    """Begin a snapshot as soon as RDS lets us, and return its ARN; raises BackupError.

    An instance that is being changed, or is in its own nightly backup, takes none for some minutes.
    """
    while True:
        arn = kind.create(client, source, name, tags)
        if arn is not None:
            patience.tell(f"snapshot {name} of {kind.word} {source} was begun")
            return arn
        status = kind.status_of(kind.describe_source(client, source))
        if status not in _BUSY or not patience.wait(f"{kind.word} {source}", status):
            raise BackupError(
                f"the {kind.word} {source} takes no snapshot: its status is {status}",
                next_step="Wait until the console of AWS says that it is available, and run again.",
            )


def wait_for_snapshot(client: Any, kind: Kind, name: str, patience: Patience) -> None:
    """Return when the snapshot is available; raises BackupError when it fails or takes too long."""
    while True:
        found = kind.describe(client, name)
        status = str(found["Status"]) if found else "gone"
        if status == "available":
            return
        if status not in _UNDER_WAY:
            raise BackupError(
                f"the snapshot {name} did not become available: its status is {status}",
                next_step="Look at its events in the console of AWS, and run again.",
            )
        if found and "PercentProgress" in found:
            status += f", {found['PercentProgress']} %"
        if not patience.wait(f"snapshot {name}", status):
            raise BackupError(
                f"the snapshot {name} was not available within {patience.seconds:g} s: {status}",
                next_step="Give it longer by `backup.rds.timeout`; the first snapshot of an instance takes longest.",
            )
