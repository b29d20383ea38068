"""The revision graph as Alembic loads it, for histories that cannot be read as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory


def describe_history(script: ScriptDirectory) -> list[dict[str, Any]]:
    """Return every revision as plain values, with the fields of `models.Revision`."""
    return [
        {
            "id": revision.revision,
            "parents": _names(revision.down_revision),
            "depends_on": _names(revision.dependencies),
            "labels": sorted(getattr(revision, "_orig_branch_labels", None) or ()),
            "message": " ".join((revision.doc or "").split()),
            "file": str(revision.path),
        }
        for revision in script.walk_revisions()
    ]


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
