"""What changes the schema in a revision, or may do so where the text does not tell."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ci_migrate.revisions.finding import Finding, called_name, find_sql, is_connection
from ci_migrate.sql_words import is_ddl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_DATA_OPERATIONS = {
    "bulk_insert",
    "execute",
    "f",
    "get_bind",
    "get_context",
    "inline_literal",
    "run_async",
}
_SCHEMA_OPERATIONS = {
    "add_column",
    "alter_column",
    "batch_alter_table",
    "create_all",
    "create_check_constraint",
    "create_exclude_constraint",
    "create_foreign_key",
    "create_index",
    "create_primary_key",
    "create_table",
    "create_table_comment",
    "create_unique_constraint",
    "drop_all",
    "drop_column",
    "drop_constraint",
    "drop_index",
    "drop_table",
    "drop_table_comment",
    "rename_table",
}
_DATA_EXPRESSIONS = {"insert", "update", "delete", "select", "values", "where", "bindparams"}


def find_schema_changes(
    nodes: Collection[ast.AST], foreign_names: Iterable[str]
) -> Iterator[Finding]:
    """Yield what changes the schema; `foreign_names` are imports from the project's own code."""
    assigned = _collect_assigned(nodes)
    foreign = set(foreign_names)
    for node in nodes:
        if isinstance(node, ast.Call):
            what = _change_of_call(node, assigned, foreign)
            if what:
                yield Finding(what, node.lineno)
        else:
            yield from find_sql(node, is_ddl, "runs DDL as SQL text")


def find_unread(nodes: Collection[ast.AST], foreign_names: Iterable[str]) -> Iterator[Finding]:
    """Yield what the text does not tell: code of other files that it calls, SQL that is made elsewhere."""
    assigned, foreign = _collect_assigned(nodes), set(foreign_names)
    for node in nodes:
        if isinstance(node, ast.Call) and (what := _unread_call(node, assigned, foreign)):
            yield Finding(what, node.lineno)


def _change_of_call(
    call: ast.Call, assigned: dict[str, list[ast.expr]], foreign: set[str]
) -> str | None:
    name = called_name(call.func)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if name in _SCHEMA_OPERATIONS:
        return f"calls {name}()"
    if name in {"create", "drop"} and owner is not None and _names_connection(call):
        return f"calls {name}() on a schema object"
    if isinstance(owner, ast.Name) and owner.id == "op" and name not in _DATA_OPERATIONS:
        return f"calls op.{name}()"
    return _unread_call(call, assigned, foreign)


def _unread_call(
    call: ast.Call, assigned: dict[str, list[ast.expr]], foreign: set[str]
) -> str | None:
    name = called_name(call.func)
    if name in {"execute", "exec_driver_sql"} and call.args:
        if not _is_readable(call.args[0], assigned, ()):
            return "runs SQL that is not written in it"
        return None
    root = call.func
    while isinstance(root, ast.Attribute):
        root = root.value
    # A name in capitals is a class: a model of which objects are made.
    if isinstance(root, ast.Name) and root.id in foreign and not name[:1].isupper():
        return f"calls {name}() of another file, which may change the schema"
    return None


def _names_connection(call: ast.Call) -> bool:
    return any(word.arg in {"bind", "checkfirst"} for word in call.keywords) or any(
        is_connection(arg) for arg in call.args
    )


def _collect_assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """Return what each name is bound to, as far as it is bound by assignments and loops."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in nodes:
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, (ast.For, ast.comprehension)):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, (ast.AugAssign, ast.NamedExpr)):
            pairs = [(node.target, node.value)]
        for target, value in pairs:
            if isinstance(target, ast.Name):
                assigned.setdefault(target.id, []).append(value)
    return assigned


def _is_readable(
    node: ast.expr, assigned: dict[str, list[ast.expr]], seen: tuple[str, ...]
) -> bool:
    """Return whether what is executed stands in the file: SQL text, or a data expression."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.JoinedStr):
        return bool(node.values) and isinstance(node.values[0], ast.Constant)
    if isinstance(node, ast.BinOp):
        return _is_readable(node.left, assigned, seen)
    if isinstance(node, (ast.List, ast.Tuple)):
        return all(_is_readable(item, assigned, seen) for item in node.elts)
    if isinstance(node, ast.Name):
        values = assigned.get(node.id, []) if node.id not in seen else []
        seen = (*seen, node.id)
        return bool(values) and all(_is_readable(value, assigned, seen) for value in values)
    if not isinstance(node, ast.Call):
        return False
    if called_name(node.func) == "text" and node.args:
        return _is_readable(node.args[0], assigned, seen)
    if any(
        called_name(item.func) in _DATA_EXPRESSIONS
        for item in ast.walk(node)
        if isinstance(item, ast.Call)
    ):
        return True
    return isinstance(node.func, ast.Attribute) and _is_readable(node.func.value, assigned, seen)
