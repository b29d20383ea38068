"""One revision file, read as text."""

from __future__ import annotations

import ast
import contextlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError, Where
from ci_migrate.models import Revision
from ci_migrate.revisions.file_bytes import MOST_BYTES, read_file_bytes
from ci_migrate.revisions.literals import Unknown, bind_statement, bound_names
from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.syntax import decode_source, parse_quietly
from ci_migrate.revisions.template import describe, read_template

if TYPE_CHECKING:
    from pathlib import Path

REVISION_FILE = re.compile(r"(?!\.\#|__init__)(.*\.py)$")
"""Alembic's own filter of file names."""

_FIRST_DEFINITION = re.compile(rb"^(?:def|class|async|@)", re.MULTILINE)
_HEADER_NAME = re.compile(rb"\b(?:revision|down_revision|branch_labels|depends_on)\b")
_NUMBERED_FILE = re.compile(r"([a-f0-9]+)\.py$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """What one file says: a revision, or a problem, or why it cannot be read without running it.

    A revision whose labels alone are unknown is there together with the reason.
    """

    revision: Revision | None = None
    problem: Problem | None = None
    unreadable: str | None = None


class _DefectError(Exception):
    def __init__(self, message: str, line: int | None, next_step: str) -> None:
        super().__init__(message)
        self.message, self.line, self.next_step = message, line, next_step


class _UnreadableError(Exception):
    pass


def read_revision(path: str | Path, shown: str | None = None) -> ParsedFile:
    """Read the revision that a file declares; never raises.

    `shown` is the path as the user knows it. Only the text before the first function or class is
    parsed when that is enough, so a mistake further down is found when the file is planned.
    """
    shown = shown or str(path)
    try:
        # 5,000 Path objects, and as many buffers for one read each, would cost more.
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            data = file.readall()
    except OSError as exc:
        return ParsedFile(
            problem=Problem(message=f"{shown} cannot be read: {exc.strerror or exc}", file=shown)
        )
    if len(data) > MOST_BYTES:
        message = f"{shown} is larger than {MOST_BYTES >> 20} MB"
        step = "A revision of that size cannot be reviewed: load data from a file of its own."
        return ParsedFile(problem=Problem(message=message, file=shown, next_step=step))
    return read_revision_bytes(data, shown)


def read_revision_bytes(data: bytes, shown: str) -> ParsedFile:
    """Read the revision that the bytes of a file declare; `shown` is its path; never raises."""
    first_lines = _cut_header(data)
    revision = read_template(first_lines, shown) if first_lines is not None else None
    if revision is not None:
        return ParsedFile(revision=revision)
    try:
        header = _parse_header(data, first_lines, shown)
        revision = _build_revision(header)
        try:
            labels = _read_strings(header, "branch_labels")
        except _UnreadableError as exc:  # the graph is known without them
            return ParsedFile(revision=revision, unreadable=f"{shown}: {exc}")
        return ParsedFile(revision=replace(revision, labels=labels) if labels else revision)
    except SyntaxError as exc:
        message = f"{shown} is not valid Python: {exc.msg}"
        step = "Correct the file; Alembic cannot load it either."
        problem = Problem(message=message, file=shown, line=exc.lineno, next_step=step)
        return ParsedFile(problem=problem)
    except _DefectError as exc:
        message = f"{shown}: {exc.message}"
        return ParsedFile(
            problem=Problem(message=message, file=shown, line=exc.line, next_step=exc.next_step)
        )
    except _UnreadableError as exc:
        return ParsedFile(unreadable=f"{shown}: {exc}")


def read_source(path: Path, shown: str | None = None) -> str:
    """Return the text of a revision file.

    Raises ProjectError when the file cannot be read or decoded.
    """
    shown = shown or str(path)
    try:
        data = read_file_bytes(path)
    except OSError as exc:
        raise ProjectError(
            f"{shown} cannot be read: {exc.strerror or exc}",
            next_step="Check that the file is there and readable.",
            where=Where(file=shown),
        ) from exc
    return decode_source(data, shown)


@dataclass(frozen=True, slots=True)
class _Header:
    tree: ast.Module
    names: dict[str, object]
    shown: str

    def line_of(self, key: str) -> int | None:
        for statement in self.tree.body:
            if key in bound_names(statement):
                return statement.lineno
        return None


def _cut_header(data: bytes) -> bytes | None:
    """Return what stands before the first definition, None when something could lie behind it."""
    cut = _FIRST_DEFINITION.search(data)
    if cut is None or _HEADER_NAME.search(data, cut.start()):
        return None
    return data[: cut.start()]


def _parse_header(data: bytes, first_lines: bytes | None, shown: str) -> _Header:
    """Parse up to the first definition where that is enough, else the whole file."""
    if first_lines is not None:
        # The cut can lie inside a string: then the whole file decides.
        with contextlib.suppress(SyntaxError):
            header = _read_names(parse_quietly(first_lines), shown)
            if "revision" in header.names and "down_revision" in header.names:
                return header
    return _read_names(parse_quietly(data), shown)


def _read_names(tree: ast.Module, shown: str) -> _Header:
    names: dict[str, object] = {}
    for statement in tree.body:
        bind_statement(statement, names)
    return _Header(tree, names, shown)


def _build_revision(header: _Header) -> Revision:
    doc = ast.get_docstring(header.tree, clean=False) or ""
    return Revision(
        id=_read_id(header),
        parents=_read_strings(header, "down_revision", needed=True),
        depends_on=_read_strings(header, "depends_on"),
        message=describe(doc),
        file=header.shown,
    )


def _read_id(header: _Header) -> str:
    if "revision" not in header.names:
        _refuse_star_import(header, "revision")
        numbered = _NUMBERED_FILE.match(os.path.basename(header.shown))  # noqa: PTH119
        if numbered:
            return numbered.group(1)
        step = "Set `revision` in it, or move it out of the versions folder."
        raise _DefectError("no `revision` is set", None, step)
    value = header.names["revision"]
    if isinstance(value, Unknown):
        raise _UnreadableError(f"`revision` is computed when the file runs (line {value.line})")
    if not isinstance(value, str) or not value:
        message = f"`revision` must be a non-empty string, not {value!r}"
        raise _DefectError(message, header.line_of("revision"), "Put the id in quotes.")
    return value


def _read_strings(header: _Header, key: str, *, needed: bool = False) -> tuple[str, ...]:
    if key not in header.names:
        _refuse_star_import(header, key)
        if needed:
            step = f"Set `{key} = None` if it is the first revision."
            raise _DefectError(f"no `{key}` is set", None, step)
        return ()
    value = header.names[key]
    if isinstance(value, Unknown):
        raise _UnreadableError(f"`{key}` is computed when the file runs (line {value.line})")
    if value is None:
        return ()
    items = value if isinstance(value, tuple) else (value,)
    strings = tuple(item for item in items if isinstance(item, str))
    if len(strings) != len(items):
        message = f"`{key}` must be a string, several strings or None, not {value!r}"
        raise _DefectError(message, header.line_of(key), "Put the ids in quotes.")
    return strings


def _refuse_star_import(header: _Header, key: str) -> None:
    if "*" in header.names:
        raise _UnreadableError(f"`{key}` may come from an `import *`")
