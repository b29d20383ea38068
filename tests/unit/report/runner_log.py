"""A log as GitHub's runner reads it: which lines are commands to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Log:
    """What the runner makes of a stream."""

    commands: list[str] = field(default_factory=list)
    """`name` and message of every command, in the order of the log."""
    open_groups: int = 0
    """Groups that were never closed."""
    outside: list[str] = field(default_factory=list)
    """Lines that are visible while every group is folded."""


def read_log(text: str) -> Log:
    """Read a stream line by line, by both syntaxes: `::name::` at the start, `##[name]` anywhere."""
    log = Log()
    for line in re.split(r"\r\n|\r|\n", text):
        new = re.match(r"\s*::([A-Za-z-]+)(?: [^:]*(?::(?!:)[^:]*)*)?::(.*)", line)
        old = re.search(r"##\[([A-Za-z-]+)[^\]]*\](.*)", line)
        found = new or old
        if found is None:
            if not log.open_groups:
                log.outside.append(line)
            continue
        name = found[1].lower()
        log.commands.append(f"{name} {found[2]}".strip())
        if name == "group":
            log.open_groups = 1
        elif name == "endgroup":
            log.open_groups = 0
    return log
