"""Another parent for a revision: the two words of its file that name it, and nothing else."""

from __future__ import annotations

import ast
import io
import re
import tokenize

from ci_migrate.errors import ProjectError, Where
from ci_migrate.redact import in_docstring
from ci_migrate.revisions.reader import read_revision_bytes
from ci_migrate.revisions.syntax import parse_revision_source

_SPECIAL = re.compile(r"[\\'\"]")
_LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


def reparent_file(data: bytes, parent: str, new_parent: str, shown: str) -> bytes:
    """Return a revision file with `down_revision`, and `Revises:` in its docstring, naming another parent.

    Every other byte stays, line ends and encoding too. Raises ProjectError when `down_revision` is not one
    id that is written out.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    text = data.decode(encoding)
    tree = parse_revision_source(text, shown)
    value = _find_value(tree)
    if not isinstance(value, ast.Constant) or value.value != parent:
        raise ProjectError(
            f"`down_revision` of {shown} is not the one id {parent!r} that is written out",
            next_step="Change the file by hand.",
            where=Where(file=shown, line=getattr(value, "lineno", None)),
        )
    start, end = _place_of(text, value)
    # The quotation marks of the file stay, unless the id has some itself.
    is_plain = not _SPECIAL.search(new_parent)
    literal = text[start:end].replace(parent, new_parent) if is_plain else repr(new_parent)
    text = text[:start] + literal + text[end:]
    changed = _change_docstring(text, parent, new_parent).encode(encoding)
    found = read_revision_bytes(changed, shown).revision
    if found is None or found.parents != (new_parent,):
        raise ProjectError(
            f"`down_revision` of {shown} cannot be changed safely",
            next_step="Change the file by hand.",
            where=Where(file=shown, line=value.lineno),
        )
    return changed


def _find_value(tree: ast.Module) -> ast.expr | None:
    found: ast.expr | None = None
    for statement in tree.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(item, ast.Name) and item.id == "down_revision" for item in targets):
            found = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    return found


def _place_of(text: str, node: ast.expr) -> tuple[int, int]:
    """Return where a node stands in a text; Python counts its columns in bytes of UTF-8."""
    lines = _LINE_END.split(text)
    at = [0]
    for line in lines:
        at.append(at[-1] + len(line))

    def position(line: int, column: int) -> int:
        return at[line - 1] + len(lines[line - 1].encode()[:column].decode())

    return (
        position(node.lineno, node.col_offset),
        position(node.end_lineno or node.lineno, node.end_col_offset or 0),
    )


def _change_docstring(text: str, parent: str, new_parent: str) -> str:
    tree = parse_revision_source(text)
    first = tree.body[0] if tree.body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return text
    start, end = _place_of(text, first.value)
    revises = re.compile(rf"^([ \t]*Revises:[ \t]*){re.escape(parent)}(?=[ \t]*\r?$)", re.MULTILINE)
    docstring = revises.sub(
        lambda found: found[1] + in_docstring(new_parent), text[start:end], count=1
    )
    return text[:start] + docstring + text[end:]
