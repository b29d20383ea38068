"""The house rules that a machine can read: small files and functions, said contracts, nothing swallowed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.contract.source import Module, load_modules

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
VAGUE_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}
Function = (ast.FunctionDef, ast.AsyncFunctionDef)

MODULES = load_modules()
NODES: list[tuple[Module, ast.AST]] = [
    (module, node) for module in MODULES for node in ast.walk(module.tree)
]


def test_files_are_small():
    assert [module.at(module.lines) for module in MODULES if module.lines > MAX_FILE_LINES] == []


def test_functions_are_small():
    assert [
        f"{module.at(node.lineno)}: {node.name} has {length} lines"
        for module, node in NODES
        if isinstance(node, Function)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > MAX_FUNCTION_LINES
    ] == []


def test_files_say_what_is_in_them():
    assert [module.at(1) for module in MODULES if not ast.get_docstring(module.tree)] == []
    assert [module.at(1) for module in MODULES if module.path.stem in VAGUE_NAMES] == []


def test_public_names_have_a_docstring():
    assert [
        f"{module.at(node.lineno)}: {node.name}"
        for module in MODULES
        for node in public_names(module.tree)
        if not ast.get_docstring(node)
    ] == []


def public_names(
    parent: ast.Module | ast.ClassDef,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield public functions, classes and methods."""
    for node in parent.body:
        if isinstance(node, (*Function, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_names(node)


def test_nothing_is_swallowed():
    swallowed = [
        module.at(node.lineno)
        for module, node in NODES
        if isinstance(node, ast.ExceptHandler) and all(is_empty(part) for part in node.body)
    ]
    assert swallowed == [], "say what happened, or contextlib.suppress a narrow class with a reason"


def is_empty(node: ast.stmt) -> bool:
    """Return whether a statement is `pass` or `...`."""
    return isinstance(node, ast.Pass) or ast.unparse(node) == "..."


def test_package_files_are_empty_but_for_their_docstring():
    assert [
        module.at(node.lineno)
        for module in MODULES
        if module.path.name == "__init__.py"
        for node in module.tree.body[1:]
        if not ast.unparse(node).startswith("__version__ = ")
    ] == []
