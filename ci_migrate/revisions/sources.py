"""Mistakes in revision files, and in env.py, that the quick reading passes over."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.problem import Problem
from ci_migrate.revisions.reader import read_source
from ci_migrate.revisions.syntax import decode_source, parse_revision_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from ci_migrate.models import Revision


def find_broken_sources(revisions: Iterable[Revision], root: Path) -> tuple[Problem, ...]:
    """Parse the whole files of some revisions; about 1 ms for each. Never raises."""
    return find_broken_files((item.file for item in revisions if item.file), root)


def find_broken_files(files: Iterable[str], root: Path) -> tuple[Problem, ...]:
    """Parse whole files, as a rule those that are pending. Never raises.

    `root` is `Project.root`, at which their paths start.
    """
    found = (_check_source(root, file) for file in files)
    return tuple(problem for problem in found if problem)


def find_broken_texts(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """Parse whole files that are not on disk, contents by path. Never raises."""
    found = (_check_text(partial(decode_source, data, path), path) for path, data in files.items())
    return tuple(problem for problem in found if problem)


def _check_source(root: Path, shown: str) -> Problem | None:
    return _check_text(partial(read_source, root / shown, shown), shown)


def _check_text(read: Callable[[], str], shown: str) -> Problem | None:
    try:
        parse_revision_source(read(), shown)
    except ProjectError as exc:
        return Problem(
            message=exc.message, file=shown, line=exc.where.line, next_step=exc.next_step
        )
    return None
