"""The package's source as syntax trees, for the tests that hold its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ci_migrate"


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module, as `import` or `from` names it."""

    name: str
    line: int
    is_lazy: bool
    """Inside a function, or for type checkers only."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """One file of the package."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        """The dotted name."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts).removesuffix(".__init__")

    @property
    def room(self) -> str:
        """The first name below the package: `gates` for `gates/heads.py`, `plan` for `plan.py`."""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    def at(self, line: int) -> str:
        """Return a place in this file as editors read it."""
        return f"{self.path.relative_to(ROOT)}:{line}"

    def imports(self) -> Iterator[Import]:
        """Yield every import, also the lazy ones."""
        yield from _imports_in(self.tree, is_lazy=False)


@cache
def load_modules() -> tuple[Module, ...]:
    """Read every file of the package."""
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        modules.append(Module(path=path, tree=ast.parse(text), lines=len(text.splitlines())))
    return tuple(modules)


def _imports_in(node: ast.AST, *, is_lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(name=alias.name, line=child.lineno, is_lazy=is_lazy)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield Import(
                    name=f"{child.module}.{alias.name}", line=child.lineno, is_lazy=is_lazy
                )
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) or _is_for_types(
                child
            )
            yield from _imports_in(child, is_lazy=is_lazy or inside)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
