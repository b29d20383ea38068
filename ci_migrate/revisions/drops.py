"""Which data the statements of a revision destroy, as far as its text names it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.revisions.finding import called_name
from ci_migrate.sql_words import function_bodies, split_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_IDENTIFIER = r'(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w$]+)'
_NAME = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})?"
_TABLES = re.compile(
    rf"(?:DROP\s+(?:FOREIGN\s+)?TABLE(?:\s+IF\s+EXISTS)?|TRUNCATE(?:\s+TABLE)?(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?)"
    rf"\s+(?P<tables>{_NAME}(?:\s*,\s*{_NAME})*)",
    re.IGNORECASE,
)
_ALTER = re.compile(
    rf"ALTER\s+TABLE(?:\s+IF\s+EXISTS)?(?:\s+ONLY)?\s+(?P<table>{_NAME})\s", re.IGNORECASE
)
_COLUMN = re.compile(
    rf"\bDROP\s+(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?(?!(?:CONSTRAINT|INDEX|KEY|PRIMARY|FOREIGN|CHECK|PARTITION|DEFAULT"
    rf"|NOT|IDENTITY|EXPRESSION|COLUMN|IF)\b)(?P<column>{_IDENTIFIER})",
    re.IGNORECASE,
)
_DESTROYS = re.compile(
    r"\bDROP\s+(?:TABLE|COLUMN|SCHEMA|DATABASE|PARTITION|FOREIGN\s+TABLE|OWNED)\b|\bTRUNCATE\b|\bDELETE\s+FROM\b",
    re.IGNORECASE,
)
_DROPS_AT_ITS_END = re.compile(r"\bDROP\s*$", re.IGNORECASE)
_WITHOUT_ROWS = frozenset({"DOMAIN", "ENUM", "Enum", "Index", "Sequence"})
"""What has a method `drop` and no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A table or column that is dropped or emptied."""

    table: str | None
    """With its schema, where that is named; None when the text does not tell the name."""
    column: str | None
    """None for the whole table."""
    line: int


def find_drops(nodes: Collection[ast.AST]) -> Iterator[Drop]:
    """Yield what is dropped, by operations of Alembic and by SQL text, in the order of the file."""
    constants, batches = _collect_constants(nodes), dict(_find_batches(nodes))
    fragments, rowless = set(_find_fragments(nodes)), set(_find_rowless(nodes))
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from _drop_of_call(node, constants, batches)
            yield from _drop_of_object(node, rowless)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in fragments:
                yield from _drops_of_fragment(node.value, node.lineno)
            else:
                yield from _drops_of_text(node.value, node.lineno)


def _drop_of_call(
    call: ast.Call, constants: Mapping[str, str], batches: Mapping[str, ast.Call]
) -> Iterator[Drop]:
    name, owner = called_name(call.func), getattr(call.func, "value", None)
    batch = batches.get(owner.id) if isinstance(owner, ast.Name) else None
    if name in {"drop_table", "drop_all"}:
        table = _text(_argument(call, 0, "table_name"), constants) if name == "drop_table" else None
        yield Drop(table=_qualified(table, call, constants), column=None, line=call.lineno)
    elif name == "drop_column" and batch is not None:
        table = _text(_argument(batch, 0, "table_name"), constants)
        column = _text(_argument(call, 0, "column_name"), constants)
        known = _qualified(table, batch, constants) if column else None
        yield Drop(table=known, column=column or "?", line=call.lineno)
    elif name == "drop_column":
        table = _text(_argument(call, 0, "table_name"), constants)
        column = _text(_argument(call, 1, "column_name"), constants)
        known = _qualified(table, call, constants) if column else None
        yield Drop(table=known, column=column or "?", line=call.lineno)


def _drop_of_object(call: ast.Call, rowless: Collection[str]) -> Iterator[Drop]:
    """Yield what `table.drop()` and `table.delete()` destroy: whose rows only the project knows."""
    name, owner = called_name(call.func), getattr(call.func, "value", None)
    if name == "drop" and isinstance(owner, ast.expr):
        maker = called_name(owner.func) if isinstance(owner, ast.Call) else ""
        is_rowless = maker in _WITHOUT_ROWS or called_name(owner) in rowless
        if not is_rowless:
            yield Drop(table=None, column=None, line=call.lineno)
    elif name == "delete":
        yield Drop(table=None, column=None, line=call.lineno)


def _drops_of_text(text: str, line: int) -> Iterator[Drop]:
    for statement in split_statements(text):
        named = list(_drops_of_sql(statement, line))
        yield from named
        if not named and _DESTROYS.search(statement):
            yield Drop(table=None, column=None, line=line)
    for body in function_bodies(text):
        if _DESTROYS.search(body):
            yield Drop(table=None, column=None, line=line)


def _drops_of_sql(statement: str, line: int) -> Iterator[Drop]:
    if found := _TABLES.match(statement):
        for table in re.findall(_NAME, found["tables"]):
            yield Drop(table=_unquoted(table), column=None, line=line)
    elif found := _ALTER.match(statement):
        for dropped in _COLUMN.finditer(statement, found.end() - 1):
            yield Drop(
                table=_unquoted(found["table"]), column=_unquoted(dropped["column"]), line=line
            )


def _drops_of_fragment(text: str, line: int) -> Iterator[Drop]:
    """Yield what a text drops that is only a part of a statement: a name in it may be half of one."""
    for statement in split_statements(text):
        if _DESTROYS.search(statement) or _DROPS_AT_ITS_END.search(statement):
            yield Drop(table=None, column=None, line=line)


def _find_fragments(nodes: Collection[ast.AST]) -> Iterator[int]:
    """Yield the ids of the texts into, before or behind which something else is put."""
    for node in nodes:
        parts: list[ast.expr] = []
        if isinstance(node, ast.JoinedStr) and not all(
            isinstance(part, ast.Constant) for part in node.values
        ):
            parts = node.values
        elif isinstance(node, ast.BinOp):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            parts = [node.func.value]
        yield from (id(part) for part in parts)


def _find_rowless(nodes: Collection[ast.AST]) -> Iterator[str]:
    """Yield the names that are bound to a type, an index or a sequence."""
    for node in nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if called_name(node.value.func) in _WITHOUT_ROWS:
            yield from (called_name(target) for target in node.targets)


def _find_batches(nodes: Collection[ast.AST]) -> Iterator[tuple[str, ast.Call]]:
    """Yield the names under which `batch_alter_table` is used, with the call that opens it."""
    items = [item for node in nodes if isinstance(node, ast.With) for item in node.items]
    for item in items:
        opened, name = item.context_expr, item.optional_vars
        if not isinstance(opened, ast.Call) or not isinstance(name, ast.Name):
            continue
        if called_name(opened.func) == "batch_alter_table":
            yield name.id, opened


def _collect_constants(nodes: Collection[ast.AST]) -> dict[str, str]:
    """Return the names that are bound to one text; a name that is bound twice may mean either."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return {
        name: values[0].value
        for name, values in found.items()
        if len(values) == 1
        and isinstance(values[0], ast.Constant)
        and isinstance(values[0].value, str)
    }


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    named = next((word.value for word in call.keywords if word.arg == name), None)
    return named or (call.args[position] if len(call.args) > position else None)


def _text(node: ast.expr | None, constants: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def _qualified(table: str | None, call: ast.Call, constants: Mapping[str, str]) -> str | None:
    named = next((word.value for word in call.keywords if word.arg == "schema"), None)
    schema = _text(named, constants)
    return f"{schema}.{table}" if table and schema else table


def _unquoted(name: str) -> str:
    return re.sub(r'["`\[\]]', "", name)
