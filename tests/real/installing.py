"""Virtual environments with the published packages of a real project, and ci-migrate installed as the action does.

They are kept in a cache folder, so that only the first run downloads. Nothing else is taken from this machine's
Python: what a project pins is what runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = dict(os.environ)
"""As it was before the tests' booby traps: an installer needs its own settings and caches."""
NO_NETWORK = re.compile(
    r"failed to (?:connect|fetch|resolve)|error sending request|connection|name resolution"
    r"|network is unreachable|timed out|from versions: none",
    re.IGNORECASE,
)
READY = "ready"
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A virtual environment of a project."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        (found,) = self.folder.glob("lib/python3*/site-packages")
        return found

    def program(self, name: str) -> str:
        """Return the path of a command that is installed there."""
        return str(self.folder / "bin" / name)


@contextmanager
def installed(name: str, requirements: Path) -> Iterator[Installation]:
    """Give the environment of a project while nobody else changes it."""
    if sys.version_info < OLDEST_PYTHON:
        _go_without("the pinned versions are for Python 3.11 and newer")
    identity = f"{sys.version_info[:2]} {requirements.read_text('utf-8')}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    folder = _cache_folder() / f"{name}-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        # Two checkouts, or two test processes, would install their own ci-migrate over each other's.
        fcntl.flock(lock, fcntl.LOCK_EX)
        installation = Installation(folder=folder)
        if not (folder / READY).exists():
            _create(installation, requirements)
        _install_ci_migrate(installation)
        yield installation


def install_anew(command: Sequence[str | Path]) -> None:
    """Run an installer; without network skip the test, in CI fail it."""
    done = subprocess.run(
        [str(word) for word in command],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    reason = f"{Path(command[0]).name} could not install: {done.stdout[-1500:]}"
    if NO_NETWORK.search(done.stdout):
        _go_without(f"needs the package registry: {reason}")
    pytest.fail(reason, pytrace=False)


def _go_without(reason: str) -> None:
    """Skip, but never in CI: there nobody would notice."""
    if ENVIRONMENT.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _cache_folder() -> Path:
    cache = ENVIRONMENT.get("XDG_CACHE_HOME") or Path(ENVIRONMENT.get("HOME", "/tmp")) / ".cache"
    return Path(cache) / "ci-migrate-tests" / "real"


def _create(installation: Installation, requirements: Path) -> None:
    shutil.rmtree(installation.folder, ignore_errors=True)
    uv = shutil.which("uv", path=ENVIRONMENT.get("PATH"))
    if uv:
        install_anew([uv, "venv", "--quiet", "--python", sys.executable, installation.folder])
        install = [uv, "pip", "install", "--quiet", "--python", installation.python]
    else:
        install_anew([sys.executable, "-m", "venv", installation.folder])
        install = [installation.python, "-m", "pip", "install", "--quiet"]
    install_anew([*install, "-r", requirements])
    (installation.folder / READY).touch()


def _install_ci_migrate(installation: Installation) -> None:
    install_anew([installation.python, "-B", ROOT / "action" / "install.py"])
