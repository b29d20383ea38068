"""One place in a revision that decides how it fails."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.sql_words import split_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Finding:
    """What a revision does, as the end of a sentence that begins with "it", and where."""

    what: str
    line: int

    def __str__(self) -> str:
        return f"{self.what} (line {self.line})"


def find_sql(node: ast.AST, check: Callable[[str], bool], what: str) -> Iterator[Finding]:
    """Yield a finding when the node is a text with an SQL statement that the check knows."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    if any(check(statement) for statement in split_statements(node.value)):
        yield Finding(what, node.lineno)


def called_name(func: ast.expr) -> str:
    """Return the last name of what is called: `create_table` for `op.create_table`."""
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""


def is_connection(node: ast.expr) -> bool:
    """Return whether an expression is, by its name, Alembic's connection and not an ORM session."""
    if isinstance(node, ast.Call):
        return called_name(node.func) == "get_bind"
    return called_name(node).lower() in {"bind", "conn", "connection"}
