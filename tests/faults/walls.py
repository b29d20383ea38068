"""Programs in a world of their own: a disk that is small, a folder that cannot be written, programs that are hidden."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Sequence

import pytest


@functools.cache
def has_namespaces() -> bool:
    """Return whether this user may mount something that only its own processes see."""
    try:
        done = subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def behind(mounts: str, command: Sequence[str]) -> list[str]:
    """Return the command in a namespace where `mounts`, lines of shell, were run; skip where that is not allowed."""
    if not has_namespaces():
        pytest.skip("mount namespaces are not allowed here")
    return ["unshare", "-rm", "sh", "-ec", f'{mounts}\nexec "$@"', "sh", *command]
