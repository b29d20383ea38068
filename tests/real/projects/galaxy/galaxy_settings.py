"""What galaxy's own `manage_db` does before it calls Alembic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config


def configure(config: Config) -> None:
    """Hide the command line: with one, env.py wants a branch in it and two URLs."""
    config.cmd_opts = None
