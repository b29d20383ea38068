"""What the `setup` function of the configuration says about the place of the revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.revisions.envpy import find_location_choice
from ci_migrate.revisions.file_bytes import read_file_bytes
from ci_migrate.revisions.package_path import find_module
from ci_migrate.revisions.syntax import parse_quietly

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def read_setup(setup: str, search: Iterable[Path]) -> str | None:
    """Return why `module:function` leaves the revisions unknown to text; None where nothing tells that.

    `search` are the folders before `sys.path`. The module is read, not imported; one that is not found
    or not valid Python says nothing here: the worker will.
    """
    module = setup.partition(":")[0]
    file = find_module(module, search)
    if file is None:
        return None
    try:
        tree = parse_quietly(read_file_bytes(file))
    except (OSError, SyntaxError):
        return None
    line = find_location_choice(tree)
    if line is None:
        return None
    return f"{module} chooses the folders of the revisions when it runs (line {line})"
