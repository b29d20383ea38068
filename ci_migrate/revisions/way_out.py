"""Symbolic links that lead out of the repository: anybody's commit can make one."""

from __future__ import annotations

import functools
import os
from pathlib import Path

_PACKAGES = {"site-packages", "dist-packages"}


def leads_out(path: Path | None, root: Path) -> bool:
    """Return whether a path below the project's root lies outside of its repository, by a link.

    What names a place outside was written on purpose, and installed packages may be links to a cache.
    """
    if path is None:
        return False
    normal = Path(os.path.normpath(path))
    if not normal.is_relative_to(root) or _PACKAGES & {*normal.parts}:
        return False
    return not Path(os.path.realpath(path)).is_relative_to(_repository_of(root))


@functools.cache
def _repository_of(root: Path) -> Path:
    """Return the folder of the checkout that a folder lies in; the folder itself where there is none."""
    real = root.resolve()
    return next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), real)
