"""The values of a document against the types of the configuration; finds every problem at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from ci_migrate.config.document import Ambiguous
from ci_migrate.config.problems import (
    SECRET_KEYS,
    KeyPath,
    Problem,
    find_close_name,
    show_value,
    suggest_name,
)
from ci_migrate.config.types import ConfigFile
from ci_migrate.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VALUE = "…"
"""Stands for any value in the sketch of a mapping."""


def check_value(value: Mapping[str, object]) -> list[Problem]:
    """Return everything that is wrong with the shape of the configuration, in any order."""
    return list(_check(value, inspect.type_info(ConfigFile), (), {}))


def convert_value(value: Mapping[str, object]) -> ConfigFile | Problem:
    """Return the typed configuration; the problem is for what `check_value` did not see."""
    try:
        return msgspec.convert(value, ConfigFile)
    except msgspec.ValidationError:
        # Its message can quote a value, which may be a secret.
        return Problem(path=(), what="the configuration does not fit its schema")


def _check(value: object, kind: Any, path: KeyPath, hints: dict[str, Any]) -> Iterator[Problem]:
    kind, hints = _unwrap(kind, hints)
    if isinstance(kind, inspect.UnionType):
        kind, hints = _choose(value, kind, hints)
    if value is None:
        yield Problem(path=path, what="has no value", suggestion=_advise(hints, "give it a value"))
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        yield from _check_struct(value, kind, path)
    elif isinstance(kind, inspect.DictType) and isinstance(value, dict):
        yield from _check_dict(value, kind, path, hints)
    elif isinstance(kind, inspect.VarTupleType) and isinstance(value, list):
        yield from _check_list(value, kind, path, hints)
    elif isinstance(value, (dict, list)) or not _is_leaf(kind):
        what = f"expected {_describe(kind)}, found {_describe_value(value)}"
        # A whole mapping may hold secrets, and is no line.
        shown = "" if isinstance(value, (dict, list)) else show_value(path, value)
        if shown and _has_secrets(kind):
            shown = MASK  # most likely the secret itself, one level too high
        suggestion = _advise(hints) or _sketch(kind)
        yield Problem(path=path, what=what, shown=shown, suggestion=suggestion)
    else:
        yield from _check_leaf(value, kind, path, hints)


def _check_struct(
    value: dict[str, object], kind: inspect.StructType, path: KeyPath
) -> Iterator[Problem]:
    fields = {field.name: field for field in kind.fields}
    for key, item in value.items():
        if key in fields:
            yield from _check(item, fields[key].type, (*path, key), {})
        else:
            suggestion = _suggest_key(key, tuple(fields))
            yield Problem(path=(*path, key), what="unknown key", suggestion=suggestion)
    for field in kind.fields:
        if field.required and field.name not in value:
            _, hints = _unwrap(field.type, {})
            yield Problem(
                path=(*path, field.name), what="is missing", suggestion=_advise(hints, "add it")
            )


def _check_dict(
    value: dict[str, object], kind: inspect.DictType, path: KeyPath, hints: dict[str, Any]
) -> Iterator[Problem]:
    if len(value) < (kind.min_length or 0):
        yield Problem(path=path, what="is empty", suggestion=_advise(hints, "name at least one"))
    for key, item in value.items():
        for problem in _check(key, kind.key_type, path, {}):
            yield Problem(
                path=(*path, key), what="not a usable name", suggestion=problem.suggestion
            )
        yield from _check(item, kind.value_type, (*path, key), {})


def _check_list(
    value: list[object], kind: inspect.VarTupleType, path: KeyPath, hints: dict[str, Any]
) -> Iterator[Problem]:
    if len(value) < (kind.min_length or 0):
        yield Problem(path=path, what="is empty", suggestion=_advise(hints, "name at least one"))
    for position, item in enumerate(value):
        yield from _check(item, kind.item_type, (*path, position), {})


def _check_leaf(
    value: object,
    kind: Any,
    path: KeyPath,
    hints: dict[str, Any],
) -> Iterator[Problem]:
    if _is_valid(value, kind):
        return
    shown = show_value(path, value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str) and _is_valid(text, kind):
        meaning = value.meaning if isinstance(value, Ambiguous) else _describe_value(value)
        what = f"YAML reads this as {meaning}, not as text"
        suggestion = "put it in quotes" + (f': "{shown}"' if shown != MASK else "")
        yield Problem(path=path, what=what, shown=shown, suggestion=suggestion)
    elif value == "":
        yield Problem(path=path, what="is empty", suggestion=_advise(hints, "give it a value"))
    else:
        what = f"expected {_describe(kind)}"
        suggestion = _advise(hints)
        if _is_quoted(value, kind):
            suggestion = "write it without quotes"
        elif isinstance(kind, inspect.LiteralType):
            close = find_close_name(text, map(str, kind.values))
            suggestion = f"did you mean `{close}`?" if close else suggestion
        yield Problem(path=path, what=what, shown=shown, suggestion=suggestion)


def _is_quoted(value: object, kind: Any) -> bool:
    """Return whether a text would be right as the number that it spells."""
    is_number = isinstance(value, str) and len(value) < 10 and re.fullmatch("[0-9]+", value)
    return bool(is_number) and _is_valid(int(str(value)), kind)


def _is_valid(value: object, kind: Any) -> bool:
    if isinstance(kind, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(kind, inspect.LiteralType):
        return any(type(value) is type(option) and value == option for option in kind.values)
    if isinstance(kind, inspect.IntType):
        is_int = isinstance(value, int) and not isinstance(value, bool)
        return is_int and (kind.ge or 0) <= value <= (kind.le or value)  # type: ignore[operator]
    return (
        isinstance(value, str)
        and len(value) >= (kind.min_length or 0)
        and bool(re.search(kind.pattern or "", value))
    )


def _is_leaf(kind: Any) -> bool:
    leaves = (inspect.StrType, inspect.IntType, inspect.BoolType, inspect.LiteralType)
    return isinstance(kind, leaves)


def _unwrap(kind: Any, hints: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Take off the descriptions and the `| None` of keys that may be left out."""
    while True:
        if isinstance(kind, inspect.Metadata):
            kind, hints = kind.type, {**hints, **(kind.extra_json_schema or {})}
            continue
        if isinstance(kind, inspect.UnionType):
            members = [m for m in kind.types if not isinstance(m, inspect.NoneType)]
            if len(members) == 1:
                kind = members[0]
                continue
        return kind, hints


def _choose(
    value: object, union: inspect.UnionType, hints: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return the member of a union that a value was meant for, or the union itself."""
    members = [_unwrap(member, hints) for member in union.types]
    wanted: tuple[type, ...] = (inspect.StrType, inspect.LiteralType)
    if isinstance(value, dict):
        wanted = (inspect.StructType, inspect.DictType)
    elif isinstance(value, list):
        wanted = (inspect.VarTupleType,)
    elif isinstance(value, bool):
        wanted = (inspect.BoolType, *wanted)
    elif isinstance(value, int):
        wanted = (inspect.IntType, *wanted)
    for one in wanted:
        for member in members:
            if isinstance(member[0], one):
                return member
    return union, hints


def _describe(kind: Any) -> str:
    if isinstance(kind, inspect.UnionType):
        members = [_unwrap(member, {})[0] for member in kind.types]
        return " or ".join(_describe(member) for member in members)
    if isinstance(kind, inspect.LiteralType):
        options = ", ".join(f"`{option}`" for option in kind.values)
        return options if len(kind.values) == 1 else f"one of {options}"
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.IntType):
        return f"a whole number from {kind.ge} to {kind.le}"
    if isinstance(kind, inspect.StrType):
        return "text of another form" if kind.pattern else "text"
    return "a list" if isinstance(kind, inspect.VarTupleType) else "a mapping"


def _describe_value(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number"}
    return names.get(type(value), "a value")


def _advise(hints: Mapping[str, Any], otherwise: str = "") -> str:
    description = str(hints.get("description", otherwise)).rstrip(".")
    if not hints.get("examples"):
        return description
    import json

    example = hints["examples"][0]
    shown = example if isinstance(example, str) else json.dumps(example)
    return f"{description}, for example `{shown}`" if description else f"for example `{shown}`"


def _has_secrets(kind: Any) -> bool:
    return any(name in SECRET_KEYS for _, name in _list_keys(kind, ""))


def _sketch(kind: Any) -> str:
    """Return how a mapping is written, as advice to somebody who wrote its only value; empty for others."""
    shape = _shape_of(kind)
    return f"write a mapping, such as `{shape}`" if shape != _VALUE else ""


def _shape_of(kind: Any) -> str:
    kind, _ = _unwrap(kind, {})
    if not isinstance(kind, inspect.StructType):
        return _VALUE
    wanted = [field for field in kind.fields if field.required]
    wanted = wanted or [field for field in kind.fields if field.name == "url"] or [kind.fields[0]]
    return "{" + ", ".join(f"{field.name}: {_shape_of(field.type)}" for field in wanted) + "}"


def _suggest_key(key: str, known: tuple[str, ...]) -> str:
    if not find_close_name(key, known):
        for home, name in _list_keys(inspect.type_info(ConfigFile), ""):
            if name == key:
                return f"it belongs under `{home}`" if home else "it belongs to the top of the file"
    return suggest_name(key, known)


def _list_keys(kind: Any, home: str) -> Iterator[tuple[str, str]]:
    """Yield every known key with the place it belongs to."""
    kind, _ = _unwrap(kind, {})
    if isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _list_keys(member, home)
    elif isinstance(kind, inspect.DictType):
        yield from _list_keys(kind.value_type, f"{home}.<name>")
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield home, field.name
        for field in kind.fields:
            yield from _list_keys(field.type, f"{home}.{field.name}".lstrip("."))
