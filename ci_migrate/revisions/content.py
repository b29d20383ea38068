"""What a revision does, as one hash that formatting does not change."""

from __future__ import annotations

import ast
import hashlib
from typing import TYPE_CHECKING

from ci_migrate.revisions.canonical import iterate_fields
from ci_migrate.revisions.reach import select_parts
from ci_migrate.revisions.syntax import parse_revision_source

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        text = "".join(_tokens(part.node, keep_strings))
        digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
    return f"{_VERSION}:{digest.hexdigest()}"


def _tokens(node: ast.AST, keep_strings: bool) -> Iterator[str]:
    """Yield a tree as text: `Name(field=value,…)`; without recursion, for long expressions."""
    todo: list[object] = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, _Mark):
            yield item
        elif isinstance(item, ast.Constant):
            yield _constant(item.value)
        elif isinstance(item, ast.AST):
            yield f"{type(item).__name__}("
            todo.append(_Mark(")"))
            for name, value in reversed(list(iterate_fields(item, keep_strings=keep_strings))):
                todo += [value, _Mark(f",{name}=")]
        elif isinstance(item, list):
            yield "["
            todo.append(_Mark("]"))
            for value in reversed(item):
                todo += [_Mark(","), value]
        else:
            yield _constant(item)


class _Mark(str):
    """A piece of punctuation, told apart from text of the file."""

    __slots__ = ()


def _constant(value: object) -> str:
    """Return a constant as ASCII that no Python version spells differently."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)  # decimal digits are limited in newer Pythons, and were not before
    return ascii(value)
