"""A configuration that was read and found right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci_migrate.config.problems import KeyPath, Mark
    from ci_migrate.config.types import ConfigFile, EnvironmentSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The content of a configuration file, before any variable is filled in."""

    path: Path
    """The file as the user named it, for messages."""
    file: ConfigFile = field(repr=False)
    marks: Mapping[KeyPath, Mark] = field(repr=False)
    """Where each key is in the file."""

    @property
    def environments(self) -> Mapping[str, EnvironmentSection]:
        """The environments in the order of promotion."""
        return self.file.environments
