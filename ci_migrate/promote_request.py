"""What a promotion is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ci_migrate.evidence.sources import Before
from ci_migrate.story.frame import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteRequest(RunRequest):
    """One environment to bring to the revisions of the working directory."""

    before: Before | None
    """The environment that `promote_from` names."""
    others: tuple[Before, ...] = ()
    """The other environments of the configuration."""
    undone: tuple[str, ...] = ()
    """Half-applied revisions of which the user says that nothing is left."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Why gates that fail are passed over, by gate."""
    reapply: bool = False
    """Whether what was rolled back here may run again as it is."""
