"""What env.py says about its version table and about the place of the revisions."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci_migrate.revisions.file_bytes import read_file_bytes
from ci_migrate.revisions.literals import (
    NotLiteralError,
    Unknown,
    bind_statement,
    bound_names,
    read_literal,
)
from ci_migrate.revisions.project import DEFAULT_VERSION_TABLE
from ci_migrate.revisions.syntax import parse_quietly

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_OPTION_CALLS = {"configure", "dict", "update", "partial"}
_LOCATIONS = {"version_locations", "script_location"}
_LOCATION_ATTRIBUTES = _LOCATIONS | {"_version_locations", "versions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvPySettings:
    """What could be read from an env.py."""

    version_table: str = DEFAULT_VERSION_TABLE
    version_table_schema: str | None = None
    table_known: bool = True
    schema_known: bool = True
    unreadable: str | None = None
    """Why the place of the revisions is not known: env.py chooses it, or is not valid Python."""


def read_env_py(path: Path) -> EnvPySettings:
    """Read an env.py without running it; never raises.

    Options that are handed over as `**options` are looked for in the dictionaries of the file; what
    comes from elsewhere counts as the default, and the probe of the worker compares it later.
    """
    try:
        tree = parse_quietly(read_file_bytes(path))
    except OSError as exc:
        return _unknown(f"env.py cannot be read: {exc.strerror or exc}")
    except SyntaxError as exc:
        place = f" (line {exc.lineno})" if exc.lineno else ""
        return _unknown(f"env.py is not valid Python{place}: {exc.msg}")
    names = _read_constants(tree)
    table, table_known = _read_option(tree, "version_table", names, DEFAULT_VERSION_TABLE)
    schema, schema_known = _read_option(tree, "version_table_schema", names, None)
    line = find_location_choice(tree)
    return EnvPySettings(
        version_table=table or DEFAULT_VERSION_TABLE,
        version_table_schema=schema,
        table_known=table_known and table is not None,
        schema_known=schema_known,
        unreadable=None
        if line is None
        else f"env.py chooses the folder of the revisions when it runs (line {line})",
    )


def _unknown(reason: str) -> EnvPySettings:
    return EnvPySettings(table_known=False, schema_known=False, unreadable=reason)


def _read_constants(tree: ast.Module) -> dict[str, object]:
    """Return the module's names that are bound exactly once."""
    names: dict[str, object] = {}
    for statement in tree.body:
        before = dict(names)
        bind_statement(statement, names)
        for name in before:
            if names[name] is not before[name]:
                names[name] = Unknown(statement.lineno)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # A local variable hides the constant; which of the two a call means is not followed.
            local = {*bound_names(ast.Module(body=node.body, type_ignores=[]))}
            local |= {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
            names.update(dict.fromkeys(local & names.keys(), Unknown(node.lineno)))
    return names


def _read_option(
    tree: ast.Module, key: str, names: Mapping[str, object], default: str | None
) -> tuple[str | None, bool]:
    """Return the one value of an option in the file, and whether it is certain."""
    found: set[str | None] = set()
    for node in _option_values(tree, key):
        try:
            value = read_literal(node, names)
        except NotLiteralError:
            return default, False
        if value is not None and not isinstance(value, str):
            return default, False
        found.add(value)
    if not found:
        return default, True
    return (found.pop(), True) if len(found) == 1 else (default, False)


def _option_values(tree: ast.Module, key: str) -> Iterator[ast.expr]:
    """Yield every value given to an option: keyword, dictionary entry or item assignment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node) in _OPTION_CALLS:
            yield from (word.value for word in node.keywords if word.arg == key)
        elif isinstance(node, ast.Dict):
            yield from (
                value
                for name, value in zip(node.keys, node.values, strict=True)
                if isinstance(name, ast.Constant) and name.value == key
            )
        elif isinstance(node, ast.Assign):
            yield from (node.value for target in node.targets if _item_name(target) == key)


def find_location_choice(tree: ast.Module) -> int | None:
    """Return the line in which a module sets the place of the revisions, None when it does not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _called_name(node)
            texts = {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
            words = {word.arg for word in node.keywords}
            if (name.startswith("set") and texts & _LOCATIONS) or words & _LOCATIONS:
                return node.lineno
        elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_sets_location(target) for target in targets):
                return node.lineno
    return None


def _sets_location(target: ast.expr) -> bool:
    if isinstance(target, ast.Attribute):
        return target.attr in _LOCATION_ATTRIBUTES
    if isinstance(target, ast.Name):
        return target.id == "version_locations"
    return _item_name(target) in _LOCATIONS


def _item_name(target: ast.expr) -> str | None:
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        value = target.slice.value
        return value if isinstance(value, str) else None
    return None


def _called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
