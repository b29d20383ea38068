"""A merge revision, written by Alembic as `alembic merge` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic import command

if TYPE_CHECKING:
    from alembic.config import Config


def write_merge(config: Config, heads: list[str], message: str) -> dict[str, Any]:
    """Write the revision that joins some heads, by the project's own template; return its id and file."""
    script = command.merge(config, heads, message=message)
    if script is None:
        return {"revision": "", "file": ""}
    return {"revision": script.revision, "file": str(script.path)}
