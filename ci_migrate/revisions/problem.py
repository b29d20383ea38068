"""What is wrong in a history, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One defect of the revision files or of the graph that they make."""

    message: str
    file: str | None = None
    """Path as shown to the user."""
    line: int | None = None
    next_step: str | None = None
