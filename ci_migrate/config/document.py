"""A YAML file as plain values, with the place of every key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci_migrate.config.problems import KeyPath, Mark, Problem, show_value
from ci_migrate.config.syntax import (
    MOST_DEPTH,
    MOST_NODES,
    UnreadableError,
    compose_text,
    mark_of,
    say_too_much,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CORE = "tag:yaml.org,2002:"
_UNUSABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PLAIN_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER_ELSEWHERE = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.?[0-9]*)(?:[eE][-+]?[0-9]+)?|0o[0-7]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """A scalar without quotes that YAML does not read as the text that is written there."""

    text: str
    meaning: str
    """What YAML makes of it, in words."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A YAML file as values: dict, list, str, int, bool, None and Ambiguous."""

    value: dict[str, object] | None
    """None when the text could not be read as a mapping; `problems` then says why."""
    marks: Mapping[KeyPath, Mark]
    """Where the key of a value is, or the value itself in a list."""
    problems: tuple[Problem, ...]


def read_document(data: bytes, *, is_pure: bool = False) -> Document:
    """Read one YAML document; every trouble is in `problems`, none is raised.

    `is_pure` takes PyYAML's Python parser even where its C parser is installed.
    """
    reader = _Reader()
    try:
        value = reader.read(compose_text(data, is_pure=is_pure), (), 0)
    except UnreadableError as exc:
        return Document(value=None, marks=reader.marks, problems=(exc.problem,))
    if isinstance(value, dict):
        return Document(value=value, marks=reader.marks, problems=tuple(reader.problems))
    problem = Problem(
        path=(),
        what="the file must be a mapping of keys to values",
        suggestion="start with `version: 1`",
    )
    return Document(value=None, marks=reader.marks, problems=(problem,))


class _Reader:
    """Turns nodes into values and keeps the marks and what was odd on the way."""

    def __init__(self) -> None:
        self.marks: dict[KeyPath, Mark] = {}
        self.problems: list[Problem] = []
        self._visited = 0

    def read(self, node: Any, path: KeyPath, depth: int) -> object:
        """Return the value of a node; raise when aliases make it too large or endless."""
        self._visited += 1
        if self._visited > MOST_NODES or depth > MOST_DEPTH:
            raise say_too_much(mark_of(node))
        self.marks.setdefault(path, mark_of(node))
        kind = _kind_of(node)
        if node.id == "mapping" and kind == "map":
            return self._read_mapping(node, path, depth)
        if node.id == "sequence" and kind == "seq":
            return [
                self.read(item, (*path, position), depth + 1)
                for position, item in enumerate(node.value)
            ]
        if node.id == "scalar" and kind in _MEANINGS:
            return self._read_scalar(node, kind, path)
        self.problems.append(
            Problem(path=path, what=f"the YAML tag {show_value((), node.tag)} is not allowed here")
        )
        return Ambiguous(text="", meaning="a tagged value")

    def _read_mapping(self, node: Any, path: KeyPath, depth: int) -> dict[str, object]:
        value: dict[str, object] = {}
        for key_node, value_node in node.value:
            mark = mark_of(key_node)
            key = self._read_key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in value:
                first = self.marks[here].line
                self.problems.append(
                    Problem(path=here, what=f"duplicate key, first on line {first}", mark=mark)
                )
                continue
            self.marks[here] = mark
            value[key] = self.read(value_node, here, depth + 1)
        return value

    def _read_key(self, node: Any, path: KeyPath) -> str | None:
        """Return the text of a key, or None (and a problem) when it cannot be one."""
        kind = _kind_of(node)
        mark = mark_of(node)
        is_readable = node.id == "scalar" and kind in _MEANINGS
        if node.id == "scalar" and kind == "merge":
            what = "merge keys (`<<`) are not supported"
            suggestion = "write the keys out"
        elif not is_readable:
            what, suggestion = "a key must be text", "put it in quotes"
        else:
            value = self._read_scalar(node, kind, (*path, node.value))
            if isinstance(value, str):
                return value
            shown = show_value((), node.value)
            what = f"YAML does not read the key `{shown}` as text"
            suggestion = f'put it in quotes: "{shown}"'
        self.problems.append(Problem(path=path, what=what, suggestion=suggestion, mark=mark))
        return node.value or None if is_readable else None

    def _read_scalar(self, node: Any, kind: str, path: KeyPath) -> object:
        text: str = node.value
        if kind == "str":
            if not node.style and _NUMBER_ELSEWHERE.fullmatch(text):
                return Ambiguous(text=text, meaning="a number")
            if _UNUSABLE.search(text):
                self.problems.append(Problem(path=path, what="holds a control character"))
            return text
        if kind == "null":
            return None
        if kind == "bool" and text in {"true", "false"}:
            return text == "true"
        if kind == "int" and _PLAIN_INT.fullmatch(text):
            return int(text)
        return Ambiguous(text=text, meaning=_MEANINGS[kind](node))


def _kind_of(node: Any) -> str:
    """Return the name of a core tag (`str`, `int`, `map`, …), or a foreign tag as it is."""
    tag: str = node.tag
    return tag[len(_CORE) :] if tag.startswith(_CORE) else tag


def _read_number(node: Any) -> str:
    from yaml.constructor import SafeConstructor

    if len(node.value) > 20:
        return "a number"
    try:
        return f"the number {SafeConstructor().construct_yaml_int(node)}"
    except (ValueError, IndexError):
        # `!!int` in front of something else.
        return "a number"


def _read_truth(node: Any) -> str:
    return "true" if node.value.lower() in {"true", "yes", "on"} else "false"


_MEANINGS: dict[str, Callable[[Any], str]] = {
    "str": lambda _: "text",
    "null": lambda _: "nothing",
    "bool": _read_truth,
    "int": _read_number,
    "float": lambda _: "a number",
    "timestamp": lambda _: "a date",
    "value": lambda _: "a YAML 1.1 default value",
}
