"""Which data the statements of a revision destroy, as far as its text names it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.revisions.finding import called_name
from ci_migrate.revisions.sql_words import split_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_IDENTIFIER = r'(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w$]+)'
_TABLE = rf"(?P<table>{_IDENTIFIER}(?:\.{_IDENTIFIER})?)"
_WHOLE = re.compile(
    rf"(?:DROP\s+TABLE(?:\s+IF\s+EXISTS)?|TRUNCATE(?:\s+TABLE)?(?:\s+ONLY)?|DELETE\s+FROM(?:\s+ONLY)?)\s+{_TABLE}",
    re.IGNORECASE,
)
_ALTER = re.compile(rf"ALTER\s+TABLE(?:\s+IF\s+EXISTS)?(?:\s+ONLY)?\s+{_TABLE}\s", re.IGNORECASE)
_COLUMN = re.compile(
    rf"\bDROP\s+(?:COLUMN\s+)?(?:IF\s+EXISTS\s+)?(?!(?:CONSTRAINT|INDEX|KEY|PRIMARY|FOREIGN|CHECK|PARTITION|DEFAULT"
    rf"|NOT|IDENTITY|EXPRESSION|COLUMN|IF)\b)(?P<column>{_IDENTIFIER})",
    re.IGNORECASE,
)


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
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from _drop_of_call(node, constants, batches)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for statement in split_statements(node.value):
                yield from _drops_of_sql(statement, node.lineno)


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


def _drops_of_sql(statement: str, line: int) -> Iterator[Drop]:
    if found := _WHOLE.match(statement):
        yield Drop(table=_unquoted(found["table"]), column=None, line=line)
    elif found := _ALTER.match(statement):
        for dropped in _COLUMN.finditer(statement, found.end() - 1):
            yield Drop(
                table=_unquoted(found["table"]), column=_unquoted(dropped["column"]), line=line
            )


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
