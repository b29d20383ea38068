"""What a run tells while it goes on; the console implements it, tests may listen."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Hears the progress of a run; must not fail and must not decide anything."""

    def stage_started(self, stage: str) -> None:
        """Hear that a stage begins."""

    def stage_ended(self, stage: str, result: str, seconds: float) -> None:
        """Hear what a stage found or did, in one line."""

    def note(self, text: str) -> None:
        """Hear something worth a line, such as who holds the lock."""

    def warn(self, text: str) -> None:
        """Hear of something that did not stop the run but should be looked at."""

    def revision_started(self, revision: str, message: str, number: int, total: int) -> None:
        """Hear that revision `number` of `total` begins."""

    def revision_ended(self, revision: str, seconds: float) -> None:
        """Hear that the revision under way has run."""

    def project_output(self, line: str) -> None:
        """Hear one line that the user's own code printed."""
