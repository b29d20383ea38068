"""`${NAME}` and `${NAME:-default}` in the values of the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEEPEST_DEFAULT = 8
"""Variables inside the default of a variable, at most this deep."""

_TOKEN = re.compile(r"\$\$\{|\$\{|[{}]")
_OPENING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\}|:-)")


class TemplateError(ValueError):
    """A `${` does not start a variable; the message says what to write."""


class MissingVariableError(LookupError):
    """A variable without a default is not set, or is empty."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A `${NAME}`, or with a default a `${NAME:-default}`."""

    name: str
    default: tuple[Part, ...] | None


Part = str | Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """A text with its variables filled in."""

    text: str = field(repr=False)
    values: tuple[str, ...] = field(repr=False)
    """What came out of the environment, in order of use; defaults are not among them."""


def expand_text(text: str, env: Mapping[str, str]) -> Expanded:
    """Fill in the variables of a text; an empty variable counts as unset, `$${` stands for `${`.

    Raises TemplateError, and MissingVariableError for the first variable that has no value.
    """
    values: list[str] = []
    return Expanded(text=_fill(parse_template(text), env, values), values=tuple(values))


def parse_template(text: str) -> tuple[Part, ...]:
    """Return the literal parts and the variables of a text; raise TemplateError."""
    parts, _ = _parse(text, 0, depth=0)
    return parts


def _fill(parts: tuple[Part, ...], env: Mapping[str, str], values: list[str]) -> str:
    filled = ""
    for part in parts:
        if isinstance(part, str):
            filled += part
        elif value := env.get(part.name):
            values.append(value)
            filled += value
        elif part.default is not None:
            filled += _fill(part.default, env, values)
        else:
            raise MissingVariableError(part.name)
    return filled


def _parse(text: str, at: int, *, depth: int) -> tuple[tuple[Part, ...], int]:
    """Read parts to the end of the text, or inside a default to its closing brace."""
    parts: list[Part] = []
    braces = 0
    while token := _TOKEN.search(text, at):
        parts.append(text[at : token.start()])
        at = token.end()
        if token.group() == "$${":
            parts.append("${")
            braces += 1
        elif token.group() == "${":
            variable, at = _parse_variable(text, at, depth=depth)
            parts.append(variable)
        elif token.group() == "}" and depth and not braces:
            return _join(parts), at
        else:
            braces += 1 if token.group() == "{" else -min(braces, 1)
            parts.append(token.group())
    if depth:
        raise TemplateError("a `${` is not closed; end it with `}`")
    parts.append(text[at:])
    return _join(parts), len(text)


def _parse_variable(text: str, at: int, *, depth: int) -> tuple[Variable, int]:
    if depth >= DEEPEST_DEFAULT:
        raise TemplateError("variables are nested too deeply")
    if text.startswith("{", at):
        raise TemplateError(
            "`${{ }}` is GitHub's syntax and is not read here; "
            "write `${NAME}` and set NAME under `env:` in the workflow"
        )
    opening = _OPENING.match(text, at)
    if not opening:
        raise TemplateError("write `${NAME}` or `${NAME:-default}`; `$${` stands for a plain `${`")
    if opening.group(2) == "}":
        return Variable(name=opening.group(1), default=None), opening.end()
    default, at = _parse(text, opening.end(), depth=depth + 1)
    return Variable(name=opening.group(1), default=default), at


def _join(parts: list[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part != "")
