"""What a revision does, as one hash that formatting does not change."""

from __future__ import annotations

import hashlib

from ci_migrate.revisions.reach import select_parts
from ci_migrate.revisions.syntax import parse_revision_source

_ROOTS = ("revision", "down_revision", "branch_labels", "depends_on", "upgrade", "downgrade")
_VERSION = "v1"


def content_hash(source: str, file: str | None = None) -> str:
    """Hash what a revision file does: `v1:` and a SHA-256 in hex.

    Counted are its identifiers, `upgrade`, `downgrade`, the top-level names of the file that they
    use, and statements that act when the file is loaded. Comments, docstrings, formatting, type
    hints, the order of imports and unused names are not. The same on every supported Python.
    `file` is for the message. Raises ProjectError when the source is not Python.
    """
    tree = parse_revision_source(source, file)
    keep_strings = "__doc__" in source  # then a docstring is data
    digest = hashlib.sha256()
    parts = select_parts(tree, _ROOTS, keep_strings=keep_strings)
    for imported in sorted({part.imported for part in parts if part.imported}):
        digest.update(f"import {imported}\n".encode("utf-8", "surrogatepass"))
    for part in parts:
        if part.imported:
            continue
        digest.update(f"{part.meaning.text}\n".encode("utf-8", "surrogatepass"))
    return f"{_VERSION}:{digest.hexdigest()}"
