"""A syntax tree without what does not change its meaning."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DROPPED_FIELDS = {
    "ctx",
    "kind",
    "type_comment",
    "type_params",
    "type_ignores",
    "returns",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """A tree without what does not change its meaning."""

    text: str
    """`Name(,field=value…)`, the same on every Python."""
    nodes: tuple[ast.AST, ...]


def spell_meaning(node: ast.AST, *, keep_strings: bool) -> Meaning:
    """Return the meaning of a tree in one walk; without recursion, for long expressions."""
    tokens: list[str] = []
    nodes: list[ast.AST] = []
    todo: list[str | ast.AST] = [node]  # text of ours is ready, nodes are still to be spelled
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            tokens.append(item)
            continue
        nodes.append(item)
        if isinstance(item, ast.Constant):
            tokens.append(_constant(item.value))
            continue
        pieces: list[str | ast.AST] = [f"{type(item).__name__}("]
        for name, value in iterate_fields(item, keep_strings=keep_strings):
            pieces.append(f",{name}=")
            _add_value(pieces, value)
        pieces.append(")")
        todo += reversed(pieces)
    return Meaning("".join(tokens), tuple(nodes))


def _add_value(pieces: list[str | ast.AST], value: object) -> None:
    """Add the value of a field: a node, a list of values, or what is no tree."""
    if isinstance(value, list):
        pieces.append("[")
        for each in value:
            _add_value(pieces, each)
            pieces.append(",")
        pieces.append("]")
    else:
        pieces.append(value if isinstance(value, ast.AST) else _constant(value))


def _constant(value: object) -> str:
    """Return a constant as ASCII that no Python version spells differently."""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)  # decimal digits are limited in newer Pythons, and were not before
    return ascii(value)


def iterate_fields(node: ast.AST, *, keep_strings: bool) -> Iterator[tuple[str, object]]:
    """Yield the fields of a node that carry meaning, the same on every Python.

    Left out: type hints outside of class bodies, `pass`, and constants that stand alone, such as
    docstrings (kept with `keep_strings`, for a file that reads `__doc__`).
    """
    if isinstance(node, ast.arg):
        yield "arg", node.arg
        return
    if isinstance(node, ast.JoinedStr):
        yield "values", _join_text(node.values)
        return
    for name in _kept_fields(type(node)):  # type: ignore[arg-type]  # a class is hashable
        value = getattr(node, name)
        if isinstance(value, list):
            if value and isinstance(value[0], ast.stmt):
                value = list(keep_statements(value, isinstance(node, ast.ClassDef), keep_strings))
            elif isinstance(node, ast.Delete):
                value = list(_flatten(node.targets))
        elif name == "format_spec" and isinstance(value, ast.JoinedStr):
            value = value if _join_text(value.values) else None
        yield name, value


@functools.cache
def _kept_fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(name for name in kind._fields if name not in _DROPPED_FIELDS)


def keep_statements(body: list[ast.stmt], in_class: bool, keep_strings: bool) -> Iterator[ast.stmt]:
    """Yield the statements of a block that do something, type hints of variables removed."""
    for statement in body:
        if isinstance(statement, ast.Pass):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            if not (keep_strings and isinstance(statement.value.value, str)):
                continue
        elif isinstance(statement, ast.AnnAssign) and not in_class:
            if statement.value is None:
                continue
            assign = ast.Assign(targets=[statement.target], value=statement.value)
            yield ast.copy_location(assign, statement)
            continue
        yield statement


def _flatten(targets: list[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        if isinstance(target, (ast.Tuple, ast.List)):
            yield from _flatten(target.elts)
        else:
            yield target


def _join_text(values: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string with neighbouring text joined: Pythons cut it differently."""
    parts: list[ast.expr] = []
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            if not value.value:
                continue
            last = parts[-1] if parts else None
            if isinstance(last, ast.Constant):
                joined = ast.Constant(value=str(last.value) + value.value)
                parts[-1] = ast.copy_location(joined, last)
                continue
        parts.append(value)
    return parts
