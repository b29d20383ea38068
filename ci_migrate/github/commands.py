"""Workflow commands: the lines through which a step speaks to the runner, and their defusing."""

from __future__ import annotations

import posixpath
import re
from typing import Literal

from ci_migrate.redact import SHORTEST_SECRET, escape_control, one_line, plain

LONGEST_MESSAGE = 4096
"""Characters of an annotation's message; the runner drops the rest without a sign."""

# The runner compares culture-sensitively, where invisible characters do not count. What stands
# between the parts of a command is therefore matched generously: all that is not visible ASCII.
_COMMAND_START = re.compile(r"(?m)^([^\x21-\x7e\n]*:)(?=[^\x20-\x7e\s]*:)")
_LEGACY_START = re.compile(r"#(?=[^\x20-\x7e\s]*#[^\x20-\x7e\s]*\[)")
_SURROGATES = re.compile("[\ud800-\udfff]")


def annotation(
    level: Literal["error", "warning", "notice"],
    message: str,
    *,
    file: str | None = None,
    line: int | None = None,
    title: str | None = None,
) -> str:
    """Return the command that puts a message on a line of a file.

    `file` is relative to the root of the repository; one that is not is left out, with its line,
    since the runner shows such an annotation nowhere. The message is cut to 4,096 characters.
    """
    properties = []
    # A name with invisible signs is shown nowhere as it is, and would bring them into the log.
    if file and is_in_repository(file) and plain(file) == file:
        properties.append(f"file={escape_property(file)}")
        if line is not None and line > 0:
            properties.append(f"line={line}")
    if title:
        properties.append(f"title={escape_property(one_line(title))}")
    head = f"::{level} {','.join(properties)}" if properties else f"::{level}"
    return f"{head}::{escape_data(cut(_clean(message), LONGEST_MESSAGE))}"


def is_in_repository(file: str) -> bool:
    """Tell whether a path is relative and stays below the root of the repository."""
    normal = posixpath.normpath(file)
    return not normal.startswith(("/", "../")) and normal not in {"..", "."}


def add_mask(value: str) -> str:
    """Return the commands, one a line, that make the runner hide a secret from now on.

    A secret of several lines is hidden line by line, as the log is. Lines of fewer than 4
    characters are left out: hiding them would tear holes into the whole log and drop outputs.
    The text may be empty.
    """
    lines = (line.strip() for line in value.splitlines())
    return "\n".join(
        f"::add-mask::{escape_data(line)}" for line in lines if len(line) >= SHORTEST_SECRET
    )


def group(title: str) -> str:
    """Return the command that opens a foldable group; groups do not nest."""
    return f"::group::{escape_data(one_line(title))}"


def endgroup() -> str:
    """Return the command that closes the open group."""
    return "::endgroup::"


def neutralise(text: str) -> str:
    """Return foreign text in which no line can be a workflow command.

    Terminal escapes and control characters are gone; a carriage return ends a line, as it does for
    the runner. `::` at the start of a line becomes `: :`, `##[` anywhere becomes `# #[`.
    """
    return _LEGACY_START.sub("# ", _COMMAND_START.sub(r"\1 ", _clean(text)))


def neutralise_json(text: str) -> str:
    """Return the same JSON, in which no line can be a workflow command, and no sign is a control character."""
    return _LEGACY_START.sub(r"\\u0023", escape_control(text))


def escape_data(text: str) -> str:
    """Return text for the part of a command after its second `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Return text for the value of a command's property."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def cut(text: str, limit: int) -> str:
    """Return the text in at most `limit` UTF-16 units, with `…` where something was left out."""
    if len(text.encode("utf-16-le")) // 2 <= limit:
        return text
    kept = text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    return kept + "…"


def _clean(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", plain(lines))
