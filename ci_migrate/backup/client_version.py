"""Versions of database clients and servers, as comparable numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from ci_migrate.errors import ProcessError
from ci_migrate.process import run_command

VERSION_SECONDS = 20.0


def ask_version(program: Path, env: Mapping[str, str]) -> str:
    """Return what a program prints for `--version`; empty when it does not run."""
    try:
        done = run_command(
            [str(program), "--version"], env={**env, "LC_ALL": "C"}, timeout=VERSION_SECONDS
        )
    except ProcessError:
        return ""
    return done.stdout.strip()


def version_numbers(text: str) -> tuple[int, ...]:
    """Return the first dotted number of a text: `15.18` → (15, 18), `18beta1` → (18,), - → ()."""
    match = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match.group(0).split(".")) if match else ()


def programs_in_path(names: tuple[str, ...], env: Mapping[str, str]) -> list[Path]:
    """Return the executable files with one of the names, in order of PATH, then of the names."""
    folders = [Path(part) for part in env.get("PATH", "").split(os.pathsep) if part]
    found = [folder / name for folder in folders for name in names]
    return [path.absolute() for path in found if is_program(path)]


def is_program(path: Path) -> bool:
    """Return whether a path is a file that may be executed."""
    return path.is_file() and os.access(path, os.X_OK)
