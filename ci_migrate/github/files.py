"""The runner's files: step outputs and the job summary, within GitHub's limits."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from ci_migrate.errors import ReporterError
from ci_migrate.github.commands import cut, neutralise_json

LARGEST_OUTPUTS = 450_000
"""UTF-16 units of all outputs together; GitHub takes about 1 MB in UTF-16 for a whole job."""
LARGEST_SUMMARY = 1024 * 1024
"""Bytes of the summary file of a step; a larger one is not shown at all."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NOTE = "\n\n_The summary was cut here: GitHub shows at most 1 MiB. The log has all of it._\n"
_FENCE = re.compile(r"(?m)^ {0,3}(`{3,}|~{3,})(.*)$")


def write_outputs(path: Path, values: Mapping[str, str]) -> tuple[str, ...]:
    """Append step outputs to the file that `GITHUB_OUTPUT` names; return the names cut short.

    All values together stay within 450,000 UTF-16 units. When they do not fit, the longest are
    shortened to one common length: a JSON array loses its last elements and stays an array, a JSON
    object becomes `{}`, other text ends in `…`. Raises ReporterError when a name is not one that
    GitHub takes, or the file cannot be written.
    """
    wrong = [name for name in values if not _NAME.fullmatch(name)]
    if wrong:
        raise ReporterError(f"{wrong[0]!r} is not a name for a step output")
    budget = LARGEST_OUTPUTS - sum(map(_units, values))
    limit = _common_limit([_units(value) for value in values.values()], budget)
    fitted = {name: shorten(value, limit) for name, value in values.items()}
    _append(path, "".join(_heredoc(name, value) for name, value in fitted.items()))
    return tuple(name for name, value in fitted.items() if value != values[name])


def append_summary(path: Path, markdown: str) -> bool:
    """Append Markdown to the file that `GITHUB_STEP_SUMMARY` names; tell whether it was cut.

    What is there already counts. The cut is at the end of a line; open code fences and `<details>`
    are closed, and a note says so. Raises ReporterError when the file cannot be written.
    """
    room = LARGEST_SUMMARY - _size(path) - 1
    text = markdown if markdown.endswith("\n") else markdown + "\n"
    raw = text.encode("utf-8", "replace")
    if len(raw) <= room:
        _append(path, text)
        return False
    kept = raw[: max(0, room - 1024)].decode("utf-8", "ignore")
    kept = kept[: kept.rfind("\n") + 1]
    ending = _closing(kept) + _NOTE
    if len((kept + ending).encode("utf-8")) <= room:
        _append(path, kept + ending)
    return True


def shorten(value: str, limit: int) -> str:
    """Return a value in at most `limit` UTF-16 units; JSON stays JSON."""
    if _units(value) <= limit:
        return value
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return cut(value, limit)
    if isinstance(parsed, dict):
        return "{}"
    if isinstance(parsed, list):
        return _shorten_array(parsed, limit)
    return cut(value, limit)


def _shorten_array(items: list[object], limit: int) -> str:
    room = limit - 1
    kept = []
    for item in items:
        text = neutralise_json(json.dumps(item, separators=(",", ":")))
        room -= len(text) + 1
        if room < 0:
            break
        kept.append(text)
    return f"[{','.join(kept)}]"


def _common_limit(lengths: list[int], budget: int) -> int:
    """Return the largest length to which all can be cut so that their sum is within the budget."""
    left = budget
    for position, length in enumerate(sorted(lengths)):
        share = left // (len(lengths) - position)
        if length > share:
            return max(share, 2)
        left -= length
    return max(lengths, default=0)


def _heredoc(name: str, value: str) -> str:
    delimiter = f"ghadelimiter_{uuid.uuid4()}"
    while delimiter in value:
        delimiter = f"ghadelimiter_{uuid.uuid4()}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _closing(markdown: str) -> str:
    """Return what closes the code fence and the `<details>` that are open at the end of a text."""
    fence = ""
    for mark, rest in _FENCE.findall(markdown):
        if not fence:
            fence = mark
        elif mark.startswith(fence) and not rest.strip():
            fence = ""
    opened = len(re.findall(r"<details\b", markdown)) - markdown.count("</details>")
    return (f"{fence}\n" if fence else "") + "\n</details>\n" * min(max(opened, 0), 20)


def _append(path: Path, text: str) -> None:
    # One write at the end of the file: a run that is killed leaves all of it or nothing.
    try:
        with path.open("a+b") as file:
            raw = text.encode("utf-8", "replace")
            file.write(raw if _ends_line(file.tell(), path) else b"\n" + raw)
    except OSError as exc:
        raise ReporterError(f"cannot write {path}: {exc.strerror or exc}") from exc


def _ends_line(size: int, path: Path) -> bool:
    if size == 0:
        return True
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
