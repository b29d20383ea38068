"""The modules of the repository that a revision uses, and what it uses of them."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.file_bytes import read_file_bytes
from ci_migrate.revisions.literals import bound_names
from ci_migrate.revisions.reach import Part, select_parts, split_import
from ci_migrate.revisions.syntax import decode_source, parse_quietly

Read = Callable[[str], "bytes | None"]
"""Returns the bytes of a file, by its path from the project's root; None when there is none."""

ROOTS = ("revision", "down_revision", "branch_labels", "depends_on", "upgrade", "downgrade")
"""The names by which Alembic uses a revision file."""
_NEVER = frozenset({"alembic", "sqlalchemy", "flask", "flask_migrate", "flask_sqlalchemy"})
"""Packages that every project has installed; a folder of such a name holds something else."""
_IMPORT = re.compile(r"(?m)^[ \t]*(?:from|import)[ \t]+(\w+)")
_EVERYTHING = frozenset({"*"})
MOST_MODULES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A module and the parts of it that are used."""

    module: str
    path: str
    parts: list[Part]


@dataclass(kw_only=True)
class Surroundings:
    """The modules around revision files: folders that are searched, and a way to read them.

    `search` are paths from the project's root with `/` at their ends, empty for the root itself.
    """

    search: tuple[str, ...]
    read: Read
    _known: dict[str, tuple[str, ast.Module] | None] = field(default_factory=dict)

    def may_have_helpers(self, source: str) -> bool:
        """Return whether a file imports, by its text, a module that is here; quicker than parsing it."""
        names = set(_IMPORT.findall(source)) - _NEVER
        return any(self._find(name) or self._is_folder_of(name, source) for name in names)

    def find_helpers(self, parts: Iterable[Part]) -> tuple[Helper, ...]:
        """Return what some parts use of the repository's modules, and these of others; sorted by name."""
        wanted: dict[str, frozenset[str]] = {}
        found: dict[str, Helper] = {}
        todo = list(self._needs(parts))
        while todo and len(found) <= MOST_MODULES:
            module, names = todo.pop()
            names = names | wanted.get(module, frozenset())
            if wanted.get(module) == names:
                continue
            wanted[module] = names
            path, tree = self._find(module) or ("", ast.Module(body=[], type_ignores=[]))
            chosen = select_parts(tree, _roots(tree, names), keep_strings=False, acts=False)
            found[module] = Helper(module=module, path=path, parts=chosen)
            package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
            todo += self._needs(chosen, package)
            todo += self._passed_on(tree, names, chosen, package)
        return tuple(found[module] for module in sorted(found) if found[module].parts)

    def files_of(self, source: str) -> tuple[str, ...]:
        """Return the files of the modules that a revision uses, with those that these use."""
        return tuple(path for path, *_ in self._uses_of(source).values())

    def changed_since(self, then: Surroundings, source: str, source_then: str) -> tuple[str, ...]:
        """Return the files of modules of which a revision uses something else than it did then."""
        now, before = self._uses_of(source), then._uses_of(source_then)
        changed = now.items() ^ before.items()
        return tuple(sorted({now.get(name, before.get(name, ("",)))[0] for name, _ in changed}))

    def text(self, path: str) -> str:
        """Return the source of a module; empty where there is none, or none that can be read."""
        try:
            return decode_source(self.read(path) or b"")
        except ProjectError:
            return ""

    def _uses_of(self, source: str) -> dict[str, tuple[str, ...]]:
        """Return by module its file, and what a revision uses of it."""
        parts = select_parts(parse_quietly(source), ROOTS, keep_strings=False)
        return {
            helper.module: (helper.path, *(p.imported or p.meaning.text for p in helper.parts))
            for helper in self.find_helpers(parts)
        }

    def _needs(
        self, parts: Iterable[Part], package: str = ""
    ) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the modules that parts import, each with the names that are used of it."""
        chosen = list(parts)
        nodes = [node for part in chosen if not part.imported for node in part.meaning.nodes]
        imports = [part.imported for part in chosen if part.imported]
        for node in nodes:  # inside of functions
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                imports += [part.imported for part in split_import(node)]
        for text in dict.fromkeys(imports):
            level, module, name, alias = text.split(" ")
            home = _absolute(int(level), module, package)
            if home is None or home.partition(".")[0] in _NEVER:
                continue
            yield from self._needed(home, name, alias, nodes)

    def _passed_on(
        self, tree: ast.Module, names: frozenset[str], chosen: list[Part], package: str
    ) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield the modules from which a module takes everything, each with the names that it lacks itself."""
        stars = [
            part.imported.split(" ")
            for part in select_parts(tree, ("*",), keep_strings=False, acts=False)
            if part.runs and part.imported
        ]
        used = {name for part in chosen for name in part.used} if stars else set()
        lacking = names.union(used) - _bound(tree)
        for level, module, *_ in stars:
            home = _absolute(int(level), module, package)
            if home is not None and lacking and self._find(home):
                yield home, lacking

    def _needed(
        self, home: str, name: str, alias: str, nodes: list[ast.AST]
    ) -> Iterator[tuple[str, frozenset[str]]]:
        if not home:  # import a.b as c
            if name.partition(".")[0] not in _NEVER and self._find(name):
                yield name, _used_of(alias or name, nodes)
        elif name == "*":
            yield from [(home, _EVERYTHING)] if self._find(home) else []
        elif self._find(f"{home}.{name}"):
            yield f"{home}.{name}", _used_of(alias or name, nodes)
        elif self._find(home):
            yield home, frozenset({name})

    def _find(self, module: str) -> tuple[str, ast.Module] | None:
        """Return path and tree of a module of the repository; None for every other."""
        if module not in self._known:
            self._known[module] = self._load(module)
        return self._known[module]

    def _load(self, module: str) -> tuple[str, ast.Module] | None:
        place = module.replace(".", "/")
        for folder in self.search:
            for path in (f"{folder}{place}.py", f"{folder}{place}/__init__.py"):
                data = self.read(path)
                if data is not None:
                    return path, _parse(data)
        return None

    def _is_folder_of(self, name: str, source: str) -> bool:
        """Return whether a name is a folder without `__init__.py` of which the source imports a module."""
        deeper = re.findall(rf"(?m)^[ \t]*(?:from|import)[ \t]+({name}(?:\.\w+)+)", source)
        direct = re.findall(rf"(?m)^[ \t]*from[ \t]+{name}[ \t]+import[ \t]+(\w+)", source)
        return any(self._find(module) for module in (*deeper, *(f"{name}.{d}" for d in direct)))


def read_disk(root: Path) -> Read:
    """Return a reader of the files as they are checked out; a file elsewhere on disk is not read."""

    def read(path: str) -> bytes | None:
        try:
            return read_file_bytes(root / path)
        except (OSError, ValueError):
            return None

    return read


def search_from(root: Path, folders: Iterable[Path]) -> tuple[str, ...]:
    """Return folders as `Surroundings.search` has them, each once."""
    shown = (Path(os.path.relpath(folder, root)).as_posix() for folder in folders)
    return tuple(dict.fromkeys("" if path == "." else f"{path}/" for path in shown))


def _parse(data: bytes) -> ast.Module:
    try:
        return parse_quietly(decode_source(data))
    except (SyntaxError, ProjectError):
        # The revision fails when it runs. Without this module its hash is another one.
        return ast.Module(body=[], type_ignores=[])


def _roots(tree: ast.Module, names: frozenset[str]) -> Iterable[str]:
    return _bound(tree) if "*" in names else names


def _bound(tree: ast.Module) -> set[str]:
    return {name for statement in tree.body for name in bound_names(statement)}


def _absolute(level: int, module: str, package: str) -> str | None:
    """Return the full name of an imported module; None when its package is not known."""
    if level == 0:
        return module
    parents = package.split(".") if package else []
    if level > len(parents):
        return None
    kept = ".".join(parents[: len(parents) - level + 1])
    return f"{kept}.{module}" if module else kept


def _used_of(name: str, nodes: list[ast.AST]) -> frozenset[str]:
    """Return the attributes that are used of a module that a name stands for; `*` when it goes elsewhere."""
    chains = [chain for node in nodes if (chain := _chain(node))]
    wanted = name.split(".")
    uses = [chain for chain in chains if chain[: len(wanted)] == wanted]
    attributes = frozenset(chain[len(wanted)] for chain in uses if len(chain) == len(wanted) + 1)
    alone = sum(len(chain) == len(wanted) for chain in uses)
    followed = sum(len(chain) == len(wanted) + 1 for chain in uses)
    return attributes if alone == followed else _EVERYTHING


def _chain(node: ast.AST) -> list[str]:
    """Return the names of `a.b.c`; empty for every other expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*reversed([*names, node.id])] if isinstance(node, ast.Name) else []
