"""The shop's git repository, the databases of its three environments, and the commands run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHANGES = Path(__file__).resolve().parent / "shop"
ENVIRONMENTS = ("dev", "staging", "production")
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
"""What a command sees of this machine; anything else could change how the story goes."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command said, stdout and stderr together, and how it ended."""

    command: str
    exit_code: int
    output: str


@dataclass(kw_only=True)
class Shop:
    """A clone of the shop's repository, as a developer and as the CI runner have it."""

    folder: Path
    webhook: str
    answers: list[Answer] = field(default_factory=list)
    """Everything that was run, for the log."""

    @property
    def repository(self) -> Path:
        """The work tree."""
        return self.folder / "shop"

    def database(self, environment: str) -> Path:
        """Return the SQLite file of an environment."""
        return self.folder / "databases" / f"{environment}.sqlite"

    def run(self, *command: str, more: Mapping[str, str] | None = None) -> Answer:
        """Run a command in the repository and wait for its end."""
        program = (
            [sys.executable, "-m", "ci_migrate"] if command[0] == "ci-migrate" else [command[0]]
        )
        done = subprocess.run(
            [*program, *command[1:]],
            cwd=self.repository,
            env={**self._variables(), **(more or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=120,
            check=False,
        )
        answer = Answer(command=" ".join(command), exit_code=done.returncode, output=done.stdout)
        self.answers.append(answer)
        return answer

    def git(self, *arguments: str, author: str = "The shop") -> None:
        """Run git as one of the teams; what fails here is the demo's own fault."""
        email = f"{author.lower().replace(' ', '-')}@example.com"
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
               (("NAME", author), ("EMAIL", email))}  # fmt: skip
        answer = self.run("git", *arguments, more=who)
        if answer.exit_code:
            raise RuntimeError(f"git {' '.join(arguments)} failed: {answer.output}")

    def commit_change(self, change: str, message: str, *, author: str) -> None:
        """Copy the files of a change, from the demo's folder of that name, and commit them."""
        shutil.copytree(CHANGES / change, self.repository, dirs_exist_ok=True)
        self.commit(message, author=author)

    def commit(self, message: str, *, author: str) -> None:
        """Commit all that is in the work tree."""
        self.git("add", "--all", author=author)
        self.git("commit", "--quiet", "--message", message, author=author)

    def _variables(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        urls = {
            f"{name.upper()}_DATABASE_URL": f"sqlite:///{self.database(name)}"
            for name in ENVIRONMENTS
        }
        return {
            **kept,
            **urls,
            "PATH": os.pathsep.join(
                [str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]
            ),
            "SLACK_WEBHOOK_URL": self.webhook,
            "FLASK_APP": "shop:create_app",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
        }


def open_shop(folder: Path, webhook: str) -> Shop:
    """Make the repository: two teams have brought three revisions to branch `dev`, nothing is deployed."""
    shop = Shop(folder=folder, webhook=webhook)
    shop.repository.mkdir()
    (folder / "databases").mkdir()
    (folder / "reports").mkdir()
    shop.git("init", "--quiet", "--initial-branch=main")
    shop.commit_change("start", "Begin the shop", author="Catalogue team")
    for branch in ("staging", "dev"):
        shop.git("branch", branch)
    for branch, message, author in (
        ("products", "Sell products", "Catalogue team"),
        ("orders", "Take orders of customers", "Orders team"),
    ):
        shop.git("switch", "--quiet", "--create", branch, "dev")
        shop.commit_change(branch, message, author=author)
        merge(shop, branch, into="dev")
    return shop


def merge(shop: Shop, branch: str, *, into: str) -> None:
    """Merge a branch into another, which is checked out then."""
    shop.git("switch", "--quiet", into)
    shop.git("merge", "--quiet", "--no-edit", branch)
