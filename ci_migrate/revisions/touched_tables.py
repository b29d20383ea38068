"""The tables that a revision names: what two branches may both have changed."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.finding import called_name
from ci_migrate.revisions.reach import select_parts
from ci_migrate.revisions.syntax import parse_revision_source
from ci_migrate.sql_words import split_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_FIRST = (
    "add_column alter_column batch_alter_table create_table create_table_comment drop_column"
    " drop_table drop_table_comment Table table"
)
_SECOND = (
    "create_check_constraint create_exclude_constraint create_index create_primary_key"
    " create_unique_constraint drop_constraint drop_index"
)
_PLACES: dict[str, tuple[tuple[int, str], ...]] = {
    **dict.fromkeys(_FIRST.split(), ((0, "table_name"),)),
    **dict.fromkeys(_SECOND.split(), ((1, "table_name"),)),
    "create_foreign_key": ((1, "source_table"), (2, "referent_table")),
    "rename_table": ((0, "old_table_name"), (1, "new_table_name")),
}
"""Where each operation names its tables: position and keyword."""
_NAME = r"((?:[\w$]+|\"[^\"]+\"|`[^`]+`)(?:\.(?:[\w$]+|\"[^\"]+\"|`[^`]+`))*)"
_SQL = re.compile(
    rf"(?:(?:CREATE|ALTER|DROP|LOCK|TRUNCATE)\s+(?:\w+\s+)?TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?"
    rf"|TRUNCATE\s+(?!TABLE\b)|INSERT\s+INTO\s+|DELETE\s+FROM\s+|UPDATE\s+(?:ONLY\s+)?"
    rf"|CREATE\s+(?:UNIQUE\s+)?INDEX\b[^;]*?\sON\s+(?:ONLY\s+)?){_NAME}",
    re.IGNORECASE,
)


def find_touched_tables(source: str, file: str | None = None) -> frozenset[str]:
    """Return the tables that `upgrade` and what it calls in the file name, as far as text tells them.

    A table that is named with its schema appears as `schema.table`. A source that is not Python names none.
    """
    try:
        tree = parse_revision_source(source, file)
    except ProjectError:
        return frozenset()
    parts = select_parts(tree, ("upgrade",), keep_strings=False)
    nodes = [node for part in parts if not part.imported for node in part.meaning.nodes]
    batches = set(_batch_names(nodes))
    return frozenset(name for node in nodes for name in _tables_of(node, batches))


def _tables_of(node: ast.AST, batches: Collection[str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        for statement in split_statements(node.value):
            for match in _SQL.finditer(statement):
                yield re.sub(r"[\"`]", "", match[1])
    if not isinstance(node, ast.Call) or called_name(node.func) not in _PLACES:
        return
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(owner, ast.Name) and owner.id in batches:
        return  # its arguments name columns and constraints of the table that was opened
    words = {word.arg: word.value for word in node.keywords}
    schema = _text(words.get("schema"))
    for position, keyword in _PLACES[called_name(node.func)]:
        found = words.get(keyword)
        if found is None and len(node.args) > position:
            found = node.args[position]
        if name := _text(found):
            yield f"{schema}.{name}" if schema else name


def _batch_names(nodes: Collection[ast.AST]) -> Iterator[str]:
    """Yield what `with op.batch_alter_table(...) as NAME` binds."""
    for node in nodes:
        if isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
            call = node.context_expr
            if isinstance(call, ast.Call) and called_name(call.func) == "batch_alter_table":
                yield node.optional_vars.id


def _text(node: ast.expr | None) -> str | None:
    """Return a literal text, also one that `op.f` marks as a name; None for anything else."""
    if isinstance(node, ast.Call) and called_name(node.func) == "f" and node.args:
        node = node.args[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None
