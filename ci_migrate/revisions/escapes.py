"""What leaves the transaction in which Alembic runs a revision."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ci_migrate.revisions.finding import Finding, called_name, find_sql, is_connection
from ci_migrate.sql_words import (
    is_commit,
    is_outside_transaction,
    may_leave_transaction,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CONNECTING = {"connect", "begin", "raw_connection"}


def find_escapes(nodes: Iterable[ast.AST], *, postgresql: bool) -> Iterator[Finding]:
    """Yield what is not undone when the transaction is; `postgresql` adds what only it knows."""
    nodes = list(nodes)
    bound = _names_of_connections(nodes)
    for node in nodes:
        if isinstance(node, ast.Call):
            what = _escape_of_call(node, bound)
            if what:
                yield Finding(what, node.lineno)
        elif isinstance(node, ast.keyword):
            if postgresql and node.arg == "postgresql_concurrently" and _may_be_true(node.value):
                yield Finding("builds or drops an index concurrently", node.value.lineno)
        elif isinstance(node, ast.Constant) and may_leave_transaction(node.value):
            if node.value == "AUTOCOMMIT":
                yield Finding("switches to AUTOCOMMIT", node.lineno)
            yield from find_sql(node, is_commit, "ends the transaction by SQL text")
            if postgresql:
                what = "runs SQL that PostgreSQL allows outside of a transaction only"
                yield from find_sql(node, is_outside_transaction, what)


def _names_of_connections(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that a connection is assigned to."""
    return {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign) and is_connection(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _escape_of_call(call: ast.Call, bound: set[str]) -> str | None:
    name = called_name(call.func)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if name == "autocommit_block":
        return "uses autocommit_block(), which commits what ran before it and in it"
    if name in {"create_engine", "create_async_engine"}:
        return f"opens a connection of its own with {name}()"
    # `bind.begin()` joins the transaction; `bind.engine.begin()` is another connection.
    if name in _CONNECTING and isinstance(owner, ast.Attribute) and owner.attr == "engine":
        return f"opens a connection of its own with engine.{name}()"
    is_bound = isinstance(owner, ast.Name) and owner.id in bound
    if name == "commit" and owner is not None and (is_bound or is_connection(owner)):
        return "commits the connection itself"
    return None


def _may_be_true(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant) or bool(node.value)
