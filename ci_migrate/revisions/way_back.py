"""What the `downgrade()` of a revision is worth, told by its source."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.revisions.drops import Drop, find_drops
from ci_migrate.revisions.reach import foreign_names, select_parts
from ci_migrate.revisions.schema_changes import find_schema_changes, find_unread
from ci_migrate.revisions.syntax import parse_revision_source

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """The downgrade of one revision."""

    problem: str = ""
    """Why it cannot take the revision back, as the end of a sentence that begins with its name."""
    leaves_data: bool = False
    """Whether it does nothing although `upgrade()` changes data: that stays as it is."""
    destroys: tuple[Drop, ...] = ()
    """What it drops."""
    restores_empty: tuple[Drop, ...] = ()
    """What `upgrade()` dropped: the downgrade can only make it anew, without its data."""
    unread: str = ""
    """What it does that its text does not tell, as the end of a sentence that begins with "it"."""


def read_way_back(source: str, file: str | None = None) -> WayBack:
    """Judge a revision by its text; raises ProjectError when it is not Python."""
    tree = parse_revision_source(source, file)
    up, down = _function(tree, "upgrade"), _function(tree, "downgrade")
    dropped = tuple(find_drops(_nodes(tree, "upgrade")))
    if down is None and "downgrade" not in _names(tree):
        return WayBack(problem="has no downgrade()", restores_empty=dropped)
    if down is None:
        return _way_back(tree, ())
    error = next((node for node in down.body if isinstance(node, ast.Raise)), None)
    if error is not None:
        what = ast.unparse(error.exc) if error.exc else "an error"
        problem = f"has a downgrade() that raises {what} (line {error.lineno})"
        return WayBack(problem=problem, restores_empty=dropped)
    if _is_empty(down.body) and up is not None and not _is_empty(up.body):
        return _empty_way_back(tree, dropped)
    return _way_back(tree, dropped)


def _way_back(tree: ast.Module, dropped: tuple[Drop, ...]) -> WayBack:
    nodes = _nodes(tree, "downgrade")
    unread = next(find_unread(nodes, _foreign_names(tree, "downgrade")), None)
    return WayBack(
        destroys=tuple(find_drops(nodes)),
        restores_empty=dropped,
        unread=str(unread) if unread else "",
    )


def _empty_way_back(tree: ast.Module, dropped: tuple[Drop, ...]) -> WayBack:
    change = next(
        find_schema_changes(_nodes(tree, "upgrade"), _foreign_names(tree, "upgrade")), None
    )
    if change is None:
        return WayBack(leaves_data=True, restores_empty=dropped)
    return WayBack(
        problem=f"has a downgrade() that does nothing, although its upgrade() {change}: the version row would"
        " then deny what is in the database",
        restores_empty=dropped,
    )


def _nodes(tree: ast.Module, function: str) -> list[ast.AST]:
    parts = select_parts(tree, (function,), keep_strings=False)
    nodes = [node for part in parts if not part.imported for node in part.meaning.nodes]
    return sorted(
        nodes, key=lambda node: (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
    )


def _foreign_names(tree: ast.Module, function: str) -> set[str]:
    return foreign_names(select_parts(tree, (function,), keep_strings=False))


def _function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return found[-1] if found else None


def _names(tree: ast.Module) -> set[str]:
    """Return what is bound at the top level in any way."""
    return {
        name
        for node in ast.walk(tree)
        for name in (
            getattr(node, "asname", None) or getattr(node, "name", None),
            node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else None,
        )
        if isinstance(name, str)
    }


def _is_empty(body: Sequence[ast.stmt]) -> bool:
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Return) and (node.value is None or _is_none(node.value)))
        for node in body
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
