"""A shop in which strangers wrote wherever they could: revisions, their names, commits, branches, configuration."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.hostile import FORGED, STRANGER, Step, assert_harmless, check_slack, run_step
from tests.projects_builder import GIT_ENVIRONMENT, Project, build_repository
from tests.promotion import write_config
from tests.servers.slack import SlackServer

SECOND, HEAD = "b82e443fd109", "5c00753421f7"
NAME = "##[error]forged ::error::forged <!channel> @octocat **b** | ` \u202e\x1b[31m"
"""As the name of a file, a label, a column: it has no line of its own, and no stroke."""
LINES = f"{NAME}\n::error::forged\n{FORGED}"
"""As the name of a branch or of a file."""
TABLE = f"##[error]no\n::error::no\n\x1b[1m\n{FORGED}"
COLUMN = "##[error]no <!here> \u202e\x1b[31m"
"""PostgreSQL takes 63 bytes."""
PLACE = "archives ##[error]forged ::error::forged <!channel> @octocat **b** | `"
"""As a value of the configuration, which takes no control characters."""
ID = "##[error]no $(touch x) <!here>"
"""As a revision; pasted in a command without quotation marks it would be run."""
REVISION = """{words!r}
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {after!r}
branch_labels = {labels!r}
depends_on = None
words = {words!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
"""
CREATE = f"""
print(words, flush=True)
comment = words.replace("*", "-").replace(chr(0), "").replace("%", "%%").replace(":", ":")
op.get_bind().exec_driver_sql("/* " + comment + " */ SELECT 1")
op.create_table({{table!r}}, sa.Column("id", sa.Integer(), primary_key=True), sa.Column({COLUMN!r}, sa.Integer()))
"""
DROP = "op.drop_table({table!r})"
FAIL = "raise RuntimeError(words)"
ACTOR = {
    "GITHUB_ACTOR": STRANGER.replace("\x00", ""), "GITHUB_REPOSITORY": "acme/shop", "GITHUB_RUN_ID": "7",
    "GITHUB_SHA": "1" * 40, "GITHUB_EVENT_NAME": "workflow_dispatch",
    "GITHUB_REF": "refs/heads/" + STRANGER.replace("\x00", ""),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class HostileShop:
    """A project, the runner's files beside it, and the variables of each step."""

    project: Project
    outside: Path
    url: str
    env: Mapping[str, str] = field(default_factory=dict)
    slack: SlackServer | None = None

    @property
    def path(self) -> Path:
        return self.project.path

    @property
    def store(self) -> Path:
        """The folder of the backups."""
        return self.path / PLACE

    def run(self, *argv: str, **env: str) -> Step:
        """Run a command as a step, and see that nothing of a stranger's did more than stand there."""
        hook = {"SLACK_URL": self.slack.url} if self.slack else {}
        step = run_step(self.path, self.outside, *argv, env={**ACTOR, **self.env, **hook, **env})
        assert_harmless(step)
        if self.slack:
            check_slack(self.slack)
        return step

    def promote(self) -> Step:
        return self.run("promote", "--environment", "dev")

    def add(self, revision: str, after: str, upgrade: str = CREATE, *, label: str = "") -> Path:
        """Write a revision of a stranger's, in a file that he named."""
        folder = self.path / "migrations" / "versions"
        number = len(list(folder.iterdir()))
        table = f"{TABLE} {number}"
        bodies = {
            name: textwrap.indent(body.format(table=table).strip(), "    ")
            for name, body in (("upgrade", upgrade), ("downgrade", DROP))
        }
        file = folder / f"{number} {NAME}.py"
        text = REVISION.format(
            words=STRANGER.strip() + "\n\n", revision=revision, after=after, labels=label or None, **bodies
        )  # fmt: skip
        file.write_text(text, "utf-8")
        return file

    def commit(self) -> None:
        """Commit as somebody whose name and message are a stranger's."""
        words = STRANGER.replace("\x00", "")
        name = " ".join(words.split())
        env = {**GIT_ENVIRONMENT, "GIT_AUTHOR_NAME": name, "GIT_COMMITTER_NAME": name}
        for argv in (["add", "--all"], ["commit", "-q", "--allow-empty", "-F", "-"]):
            subprocess.run(["git", *argv], cwd=self.path, env=env, input=words.encode(), check=True)


def build_hostile_shop(folder: Path, url: str, **settings: Any) -> HostileShop:
    """Return a shop whose dev has run a stranger's revision, by a stranger's hand."""
    project = build_repository("linear", folder / "shop")
    backup = {"directory": PLACE}
    write_config(
        project,
        {
            "dev": {"url": "${SHOP_URL}", "branches": ["**", PLACE], "backup": backup, **settings},
            "production": {"url": "${SHOP_URL}x", "promote_from": "dev", "branches": []},
        },
        notify={"slack": {"webhook": "${SLACK_URL:-}"}},
    )
    shop = HostileShop(project=project, outside=folder / "outside", url=url, env={"SHOP_URL": url})
    shop.add(ID, HEAD)
    shop.commit()
    step = shop.promote()
    assert (step.code, step.outputs["outcome"]) == (0, "promoted"), step.output
    return shop
