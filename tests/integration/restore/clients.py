"""Dump programs that leave something out, which reading the archive back does not show."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.promotion import environment
from tests.servers.postgres import PostgresServer


def path_with(folder: Path, name: str, script: str) -> str:
    """Return a PATH in which a program of this name comes first; `$real` is the one behind it."""
    tools = folder / "tools"
    tools.mkdir()
    path = environment()["PATH"]
    program = tools / name
    program.write_text(f"#!/bin/sh\nreal={shutil.which(name, path=path)}\n{script}\n")
    program.chmod(0o755)
    return f"{tools}:{path}"


def path_without(postgres: PostgresServer, options: str, folder: Path) -> str:
    """Return a PATH with a pg_dump of the server's version that is given more options."""
    path = path_with(folder, "pg_dump", f'exec {postgres.bindir}/pg_dump "$@" {options}')
    for name in ("pg_restore", "psql"):
        (folder / "tools" / name).symlink_to(postgres.bindir / name)
    return path
