"""What a revision does, as one hash that formatting does not change."""

from __future__ import annotations

import hashlib

from ci_migrate.revisions.reach import Part, select_parts
from ci_migrate.revisions.surroundings import ROOTS, Surroundings
from ci_migrate.revisions.syntax import parse_revision_source


def content_hash(source: str, file: str | None = None) -> str:
    """Hash what a revision file does by itself: `v1:` and a SHA-256 in hex.

    Counted are its identifiers, `upgrade`, `downgrade`, the top-level names of the file that they
    use, and statements that act when the file is loaded. Comments, docstrings, formatting, type
    hints, the order of imports and unused names are not. The same on every supported Python.
    `file` is for the message. Raises ProjectError when the source is not Python.
    """
    return content_hashes(source, file)[0]


def is_same_upgrade(source: str, other: str) -> bool:
    """Return whether two texts of a revision file do the same but for their `downgrade()`."""
    roots = tuple(name for name in ROOTS if name != "downgrade")
    one, two = (
        _lines(select_parts(parse_revision_source(text), roots, keep_strings="__doc__" in text))
        for text in (source, other)
    )
    return one == two


def content_hashes(
    source: str, file: str | None = None, around: Surroundings | None = None
) -> tuple[str, ...]:
    """Return every hash by which a record may know this content, the one to be recorded first.

    That is `v1:…` of the file by itself. Where the file uses modules of the repository, which `around`
    finds, `v2:…` is in front, in which what it uses of them counts too. A hash is only ever compared with
    one of its own kind. Raises ProjectError when the source is not Python.
    """
    parts = select_parts(
        parse_revision_source(source, file), ROOTS, keep_strings="__doc__" in source
    )
    alone = hashlib.sha256()
    for line in _lines(parts):
        alone.update(line)
    first = f"v1:{alone.hexdigest()}"
    helpers = around.find_helpers(parts) if around is not None else ()
    if not helpers:
        return (first,)
    whole = alone.copy()
    for helper in helpers:
        whole.update(f"module {helper.module}\n".encode("utf-8", "surrogatepass"))
        for line in _lines(helper.parts):
            whole.update(line)
    return f"v2:{whole.hexdigest()}", first


def _lines(parts: list[Part]) -> list[bytes]:
    lines = [f"import {name}\n" for name in sorted({p.imported for p in parts if p.imported})]
    lines += [f"{part.meaning.text}\n" for part in parts if not part.imported]
    return [line.encode("utf-8", "surrogatepass") for line in lines]
