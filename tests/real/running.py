"""Runs ci-migrate and a project's own tool, each in a working directory and on a database of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.projects_plain import split_url
from tests.promotion import Ran
from tests.real.catalog import RealProject
from tests.real.installing import Installation


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """A working directory of a project, and the URL of an empty database in the project's own spelling."""

    project: RealProject
    installation: Installation
    folder: Path
    url: str

    def promote(self, *arguments: str) -> Ran:
        """Promote with ci-migrate."""
        target = self.folder / "result.json"
        target.unlink(missing_ok=True)
        words = ["promote", "--environment", "dev", "--json", str(target), *arguments]
        done = self._run([self.installation.program("ci-migrate"), *words])
        result = json.loads(target.read_text("utf-8")) if target.exists() else {}
        return Ran(done.returncode, done.stdout, result)

    def upgrade_plainly(self) -> subprocess.CompletedProcess[str]:
        """Upgrade with the project's own tool."""
        if self.project.url_option:
            self._write_option()
        return self.run(*self.project.plain)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the project's environment, with the URL where the project looks for it."""
        packages = str(self.installation.site_packages)
        words = [word.replace("{packages}", packages) for word in arguments]
        more = dict.fromkeys(self.project.url_env, self.url)
        return self._run([self.installation.program(program), *words], more)

    def _write_option(self) -> None:
        file, name = self.folder / "alembic.ini", re.escape(self.project.url_option)
        line = f"{self.project.url_option} = {self.url.replace('%', '%%')}"
        text = file.read_text("utf-8")
        file.write_text(re.sub(rf"(?m)^{name} = .*$", lambda _: line, text), "utf-8")

    def _run(
        self, argv: Sequence[str], more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        # A home beside the working directory: both are empty, and what a project keeps there stays apart.
        home = self.folder.parent / f"{self.folder.name}-home"
        home.mkdir(exist_ok=True)
        env = {
            "PATH": f"{self.installation.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "DEV_DATABASE_URL": self.url,
            "DIALECT": self.url.partition(":")[0].partition("+")[0],
            "SITE_PACKAGES": str(self.installation.site_packages),
            **{name: _fill(text, self.url) for name, text in self.project.env.items()},
            **(more or {}),
        }
        return subprocess.run(
            argv,
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            check=False,
        )


def make_workplace(
    project: RealProject, installation: Installation, folder: Path, url: str
) -> Workplace:
    """Lay out a working directory: the user's own files, and those of the package that belong there."""
    shutil.copytree(
        project.folder, folder, ignore=shutil.ignore_patterns("requirements.*", "__pycache__")
    )
    for name in project.copied:
        source = installation.site_packages / name
        if source.is_dir():
            shutil.copytree(source, folder / source.name, dirs_exist_ok=True)
        else:
            shutil.copy(source, folder)
    return Workplace(project=project, installation=installation, folder=folder, url=url)


def _fill(text: str, url: str) -> str:
    for name, value in split_url(url).items():
        text = text.replace("{" + name + "}", value)
    return text
