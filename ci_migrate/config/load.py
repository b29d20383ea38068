"""Find and read `ci-migrate.yml`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ci_migrate.config.loaded import Config
from ci_migrate.config.problems import Problem, raise_problems
from ci_migrate.errors import ConfigError

FILE_NAMES = ("ci-migrate.yml", "ci-migrate.yaml")


def find_config(explicit: Path | None, cwd: Path) -> Path:
    """Return the file that was asked for, or the one in `cwd`; raise ConfigError without one."""
    for path in [explicit] if explicit else map(Path, FILE_NAMES):
        if (cwd / path).exists():
            _refuse_way_out(path, cwd)
            return cwd / path
    above = None if explicit else _find_above(cwd)
    raise ConfigError(
        f"there is no configuration file {explicit or ' or '.join(FILE_NAMES)} in {cwd}",
        next_step=f"run this in {above.parent}, or with `--config {shlex.quote(os.path.relpath(above, cwd))}`"
        if above
        else "create it, or name another one with `--config`",
    )


def _find_above(cwd: Path) -> Path | None:
    """Return the file of the nearest folder above, which is only named: it may belong to another project."""
    found = (folder / name for folder in cwd.parents for name in FILE_NAMES)
    return next((path for path in found if path.is_file()), None)


def _refuse_way_out(path: Path, cwd: Path) -> None:
    """Raise when a file of the repository is a symbolic link to one elsewhere: messages show parts of it."""
    folders = {cwd.resolve(), (cwd / path).parent.resolve()}
    real = (cwd / path).resolve()
    if not path.is_absolute() and not any(real.is_relative_to(folder) for folder in folders):
        raise ConfigError(
            f"{path} is a symbolic link that leads out of {cwd}",
            next_step="put the file itself there, or name its absolute path with `--config`",
        )


def load_config(path: Path) -> Config:
    """Read and check a configuration file.

    Raises one ConfigError with every problem, each as `FILE:LINE: key.path: what (value) — advice`.
    """
    from ci_migrate.config.syntax import MOST_BYTES

    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as exc:
        raise ConfigError(
            f"{path}: cannot be read: {exc.strerror or exc}",
            next_step="check the path and its permissions",
        ) from exc
    return parse_config(data, path)


def parse_config(data: bytes, path: Path) -> Config:
    """Check the content of a configuration file; `path` is for messages and relative paths."""
    from ci_migrate.config.check import check_value, convert_value
    from ci_migrate.config.document import read_document
    from ci_migrate.config.rules import find_broken_rules

    document = read_document(data)
    problems = list(document.problems)
    if document.value is None:
        raise_problems(path, problems, document.marks)
    problems += check_value(document.value)
    problems += find_broken_rules(document.value)
    if problems:
        raise_problems(path, problems, document.marks)
    file = convert_value(document.value)
    if isinstance(file, Problem):
        raise_problems(path, [file], document.marks)
    return Config(path=path, file=file, marks=document.marks)
