"""The top-level parts of a revision file that its functions use."""

from __future__ import annotations

import ast
import functools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.revisions.canonical import Meaning, keep_statements, spell_meaning
from ci_migrate.revisions.literals import bound_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KNOWN_PACKAGES = {"alembic", "sqlalchemy", "sqlmodel", "sqlalchemy_utils", "geoalchemy2"}
_QUIET = (ast.Assign, ast.AugAssign, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One statement at the top level of a file, or one name of an import."""

    node: ast.stmt
    binds: frozenset[str]
    runs: bool
    """Whether it acts when the file is loaded, so that it counts without being used."""
    imported: str = ""
    """For an import: level, module, name and alias."""
    keep_strings: bool = False

    @functools.cached_property
    def meaning(self) -> Meaning:
        """What the statement means, as text and as nodes."""
        return spell_meaning(self.node, keep_strings=self.keep_strings)

    @functools.cached_property
    def used(self) -> frozenset[str]:
        """The names that the statement mentions."""
        return frozenset(node.id for node in self.meaning.nodes if isinstance(node, ast.Name))


def select_parts(
    tree: ast.Module, roots: Iterable[str], *, keep_strings: bool, acts: bool = True
) -> list[Part]:
    """Return the parts that bind `roots`, what these use, and what acts by itself; file order.

    Without `acts`, of the last only what mentions a value that is used, and may change it.
    """
    parts = _split(tree, keep_strings)
    by_name: dict[str, list[int]] = {}
    for number, part in enumerate(parts):
        for name in part.binds:
            by_name.setdefault(name, []).append(number)
    chosen: set[int] = set()
    todo = [number for name in roots for number in by_name.get(name, ())]
    active = [number for number, part in enumerate(parts) if part.runs]
    todo += active if acts else []
    while todo:
        number = todo.pop()
        if number not in chosen:
            chosen.add(number)
            if not parts[number].imported:
                todo += [other for name in parts[number].used for other in by_name.get(name, ())]
        if not todo and not acts:
            values = {
                name
                for each in chosen
                if isinstance(parts[each].node, ast.Assign)
                for name in parts[each].binds
            }
            todo += [each for each in active if each not in chosen and parts[each].used & values]
    return [parts[number] for number in sorted(chosen)]


@functools.lru_cache(maxsize=1)  # hash and atomicity are asked for in a row
def _split(tree: ast.Module, keep_strings: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    for statement in keep_statements(tree.body, False, keep_strings):
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            parts += split_import(statement)
        elif not _is_typing_only(statement):
            parts.append(
                Part(
                    node=statement,
                    binds=frozenset(bound_names(statement)),
                    runs=not isinstance(statement, _QUIET) or _writes_into(statement),
                    keep_strings=keep_strings,
                )
            )
    return tuple(parts)


def split_import(statement: ast.Import | ast.ImportFrom) -> Iterator[Part]:
    """Yield a part for each name of an import."""
    module, level = "", 0
    if isinstance(statement, ast.ImportFrom):
        module, level = statement.module or "", statement.level
    for alias in statement.names:
        alias_name = alias.asname or ""
        yield Part(
            node=statement,
            binds=frozenset({alias.asname or alias.name.partition(".")[0]}),
            runs=alias.name == "*",
            imported=f"{level} {module} {alias.name} {alias_name}",
        )


def _is_typing_only(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    test = statement.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _writes_into(statement: ast.stmt) -> bool:
    """Return whether an assignment changes an object (`a.b = c`, `a["b"] = c`), not a name."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AugAssign):
        targets = [statement.target]
    else:
        return False
    return any(
        isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store)
        for target in targets
        for node in ast.walk(target)
    )


def foreign_names(parts: Iterable[Part]) -> set[str]:
    """Return the names that come from neither Python, nor Alembic, nor SQLAlchemy, also by imports in a function."""
    known = _KNOWN_PACKAGES | sys.stdlib_module_names
    chosen = list(parts)
    inside = (
        part
        for outer in chosen
        if not outer.imported
        for node in outer.meaning.nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for part in split_import(node)
    )
    return {
        name
        for part in (*chosen, *inside)
        if part.imported and _package(part.node) not in known
        for name in part.binds
    }


def _package(statement: ast.stmt) -> str:
    if isinstance(statement, ast.ImportFrom):
        return "." if statement.level else (statement.module or "").partition(".")[0]
    return statement.names[0].name.partition(".")[0] if isinstance(statement, ast.Import) else ""
