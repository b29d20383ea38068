"""Names of packages and modules to paths, without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def resolve_location(text: str, root: Path, search: Iterable[Path]) -> Path | None:
    """Return the path that a location of the settings means; None when its package is not found.

    `search` are the folders before `sys.path`. Relative paths start at `root`, as with Alembic.
    """
    if ":" not in text or Path(text).is_absolute():
        return Path(root, text)
    package, *parts = text.split(":")
    homes = _find_package(package.split("."), tuple(search))
    candidates = [home.joinpath(*parts) for home in homes]
    existing = [path for path in candidates if path.exists()]
    return next(iter(existing or candidates), None)


def find_module(name: str, search: Iterable[Path]) -> Path | None:
    """Return the file of a module, `shop.settings` for example; None when it is not found.

    `search` are the folders before `sys.path`. Nothing is imported.
    """
    *parents, last = name.split(".")
    folders = list(search)
    homes = _find_package(parents, tuple(folders)) if parents else folders
    candidates = [home / f"{last}.py" for home in homes]
    candidates += [home / "__init__.py" for home in _find_package(name.split("."), tuple(folders))]
    return next((path for path in candidates if path.is_file()), None)


def _find_package(names: list[str], search: tuple[Path, ...]) -> list[Path]:
    """Return the folders of a package: parents by path, so that none of them is imported."""
    homes = _find_top_level(names[0], search)
    for name in names[1:]:
        homes = [home / name for home in homes if (home / name).is_dir()]
    return homes


def _find_top_level(name: str, search: tuple[Path, ...]) -> list[Path]:
    for folder in search:
        if (folder / name / "__init__.py").is_file():
            return [folder / name]
    portions = [folder / name for folder in search if (folder / name).is_dir()]
    if portions:
        return portions
    try:
        # For a top-level name this asks the finders only; nothing is imported.
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None or spec.submodule_search_locations is None:
        return []
    return [Path(location) for location in spec.submodule_search_locations]
