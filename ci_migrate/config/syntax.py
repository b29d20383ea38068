"""YAML text into a tree of nodes, bounded in size and depth, with its errors in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci_migrate.config.problems import Mark, Problem, show_value

if TYPE_CHECKING:
    import yaml

MOST_BYTES = 1_000_000
MOST_NODES = 10_000
"""Values in the file with every alias written out; real files have a few hundred."""
MOST_DEPTH = 30

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class UnreadableError(Exception):
    """The text is not one YAML document of a sane size; it holds the one problem to show."""

    def __init__(self, what: str, *, suggestion: str = "", mark: Mark | None = None) -> None:
        super().__init__(what)
        self.problem = Problem(path=(), what=what, suggestion=suggestion, mark=mark)


def compose_text(data: bytes, *, is_pure: bool) -> yaml.Node:
    """Return the root node of the one YAML document in a file; raise UnreadableError.

    `is_pure` takes PyYAML's Python parser even where its C parser is installed.
    """
    return _compose(_decode(data), is_pure=is_pure)


def _decode(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise UnreadableError(f"the file is larger than {MOST_BYTES // 1_000_000} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise UnreadableError("the file is not UTF-8 text", mark=Mark(line=line, column=1)) from exc
    if bad := _UNPRINTABLE.search(text):
        raise UnreadableError(
            f"the file holds the control character {bad.group()!a}",
            mark=Mark(line=text.count("\n", 0, bad.start()) + 1, column=1),
        )
    return text


def _compose(text: str, *, is_pure: bool) -> yaml.Node:
    import yaml

    loader: Any = yaml.SafeLoader if is_pure else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # The composer recurses, and the one in C has no guard: depth is bounded on events first.
        _check_events(yaml.parse(text, Loader=loader))
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as exc:
        raise _explain_syntax(text, exc) from exc
    except (yaml.YAMLError, ValueError, OverflowError) as exc:
        # ValueError, OverflowError: PyYAML's own parser on an escape beyond Unicode.
        raise UnreadableError("the file is not valid YAML") from exc
    if node is None:
        raise UnreadableError("the file is empty", suggestion="start with `version: 1`")
    return node


def _check_events(events: Any) -> None:
    import yaml

    depth = documents = nodes = 0
    for event in events:
        nodes += isinstance(event, yaml.NodeEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            raise UnreadableError(
                "the file holds more than one YAML document",
                suggestion="keep one, without a second `---`",
                mark=mark_of(event),
            )
        if depth > MOST_DEPTH or nodes > MOST_NODES:
            raise say_too_much(mark_of(event))


def say_too_much(mark: Mark) -> UnreadableError:
    """Return the error of a file that is too large in nodes or depth."""
    return UnreadableError(
        f"the file is nested deeper than {MOST_DEPTH} or holds more than {MOST_NODES} values",
        suggestion="aliases count each time they are used",
        mark=mark,
    )


def mark_of(thing: Any) -> Mark:
    """Return where an event or a node starts."""
    return Mark(line=thing.start_mark.line + 1, column=thing.start_mark.column + 1)


def _explain_syntax(text: str, exc: yaml.MarkedYAMLError) -> UnreadableError:
    lines = text.splitlines() or [""]
    place = exc.problem_mark or exc.context_mark
    line = min(place.line + 1, len(lines)) if place else 1
    column = place.column + 1 if place else 1
    what = f"not valid YAML: {show_value((), exc.problem or exc.context)}"
    if exc.context and exc.context_mark and exc.context_mark.line + 1 != line:
        what += f", {exc.context} that starts on line {exc.context_mark.line + 1}"
    here = lines[line - 1]
    suggestion = ""
    if "\t" in here[: len(here) - len(here.lstrip())]:
        suggestion = "indent with spaces, not with tabs"
    elif "${" in here:
        suggestion = 'put a value with `${` inside braces or brackets in quotes: "${NAME}"'
    elif "alias" in f"{exc.context} {exc.problem}":
        suggestion = 'put a value that starts with `*` in quotes: "*"'
    elif "cannot start any token" in str(exc.problem):
        suggestion = "put a value that starts with a special character in quotes"
    return UnreadableError(what, suggestion=suggestion, mark=Mark(line=line, column=column))
