"""Values that can be read from a syntax tree without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COLLECTIONS = {"tuple", "list", "set", "frozenset"}


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NAMED = (*_DEFINITIONS, ast.MatchAs, ast.MatchStar, ast.ExceptHandler)


class NotLiteralError(ValueError):
    """The expression needs Python to run; `line` says where it is."""

    def __init__(self, node: ast.AST) -> None:
        self.line: int | None = getattr(node, "lineno", None)
        super().__init__(f"not a literal value (line {self.line})")


class Unknown:
    """The value of a name that is bound by something else than a literal."""

    def __init__(self, line: int | None) -> None:
        self.line = line


def read_literal(node: ast.expr, names: Mapping[str, object]) -> object:
    """Return the value of a literal expression; `names` are the module's constants so far.

    Lists and sets become tuples (a set in sorted order). Raises NotLiteralError.
    """
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(read_literal(item, names) for item in node.elts)
    if isinstance(node, ast.Set):
        return _sorted(read_literal(item, names) for item in node.elts)
    if isinstance(node, ast.Name) and not isinstance(names.get(node.id, node), (Unknown, ast.AST)):
        return names[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = read_literal(node.left, names), read_literal(node.right, names)
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
    if isinstance(node, ast.Call) and _collection_name(node):
        items = read_literal(node.args[0], names) if node.args else ()
        if isinstance(items, tuple):
            return _sorted(items) if _collection_name(node).endswith("set") else items
    raise NotLiteralError(node)


def bind_statement(statement: ast.stmt, names: dict[str, object]) -> None:
    """Record in `names` what a top-level statement binds: literal values, or Unknown."""
    value: ast.expr | None
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign):
        targets, value = [statement.target], statement.value
        if value is None:
            return
    else:
        for name in bound_names(statement):
            names[name] = Unknown(statement.lineno)
        return
    result: object
    try:
        result = read_literal(value, names)
    except NotLiteralError:
        result = Unknown(statement.lineno)
    for target in targets:
        _bind_target(target, result, names)


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds, also in nested blocks."""
    if isinstance(node, _DEFINITIONS):
        yield node.name
        return
    if isinstance(node, (ast.Import, ast.ImportFrom)):  # most of a file's header; no walk needed
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and not isinstance(child.ctx, ast.Load):
            yield child.id
        elif isinstance(child, ast.alias):
            yield child.asname or child.name.partition(".")[0]
        elif isinstance(child, _NAMED) and child.name:
            yield child.name


def _bind_target(target: ast.expr, value: object, names: dict[str, object]) -> None:
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif (
        isinstance(target, (ast.Tuple, ast.List))
        and isinstance(value, tuple)
        and len(value) == len(target.elts)
        and not any(isinstance(item, ast.Starred) for item in target.elts)
    ):
        for item, part in zip(target.elts, value, strict=True):
            _bind_target(item, part, names)
    else:
        for name in bound_names(target):
            names[name] = Unknown(target.lineno)


def _collection_name(call: ast.Call) -> str:
    """Return the name of a built-in collection that a call makes of at most one argument, or ``."""
    if not isinstance(call.func, ast.Name) or len(call.args) > 1 or call.keywords:
        return ""
    return call.func.id if call.func.id in _COLLECTIONS else ""


def _sorted(items: Iterator[object] | tuple[object, ...]) -> tuple[object, ...]:
    return tuple(sorted(set(items), key=repr))
