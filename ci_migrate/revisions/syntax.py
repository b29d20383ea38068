"""Python source to a syntax tree, with one kind of failure."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
import warnings

from ci_migrate.errors import ProjectError, Where

_REFUSALS = (ValueError, RecursionError, MemoryError, OverflowError)
"""What Python raises beside SyntaxError for a text that it does not take."""


def parse_quietly(source: str | bytes) -> ast.Module:
    """Parse Python text; bytes are decoded as their own coding line says.

    Raises SyntaxError for everything that the parser refuses, also null bytes and deep nesting.
    Warnings of the parser (invalid escapes) are the project's business and are not shown.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except _REFUSALS as exc:
            raise SyntaxError(str(exc) or "the source is nested too deeply") from exc


def is_python(source: str) -> bool:
    """Return whether a text compiles; quicker than `parse_quietly`, which builds a tree of objects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<revision>", "exec", dont_inherit=True)
        except (SyntaxError, *_REFUSALS):
            return False
    return True


@functools.lru_cache(maxsize=1)
def parse_revision_source(source: str, file: str | None = None) -> ast.Module:
    """Parse the source of a revision file; the tree is shared by all who ask, do not change it.

    Raises ProjectError, with file and line, when it is not Python.
    """
    # Everything that is asked of a revision is asked in a row, so one tree is enough to remember.
    try:
        return parse_quietly(source)
    except SyntaxError as exc:
        raise ProjectError(
            f"{file or 'the revision file'} is not valid Python: {exc.msg}"
            + (f" (line {exc.lineno})" if exc.lineno else ""),
            next_step="Correct the file; Alembic cannot load it either.",
            where=Where(file=file, line=exc.lineno),
        ) from exc


def decode_source(data: bytes, file: str | None = None) -> str:
    r"""Decode Python source by its coding line (PEP 263); line ends become `\n`.

    Raises ProjectError when the bytes are not text in that encoding.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, LookupError, ValueError) as exc:
        raise ProjectError(
            f"{file or 'the revision file'} cannot be decoded: {exc}",
            next_step="Save the file as UTF-8, or name its encoding in its first line.",
            where=Where(file=file),
        ) from exc
    return text.replace("\r\n", "\n").replace("\r", "\n")
