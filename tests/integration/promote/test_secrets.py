"""A password with every awkward sign is in nothing that leaves a run, however the run ends."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from tests.integration.promote.database import query
from tests.projects_builder import Project, build_repository
from tests.projects_changes import add_revision
from tests.promotion import environment, tool, write_config
from tests.servers.slack import SlackServer

pytestmark = pytest.mark.newest
PASSWORDS = {"postgres": "p%40@ /+$'\"üß:#", "mariadb": "p%40@ /+$'\"q!:#"}
"""PyMySQL sends a password in Latin-1, MariaDB expects UTF-8: ASCII is what works there."""
ROW = "row-data-of-ada@canary.example"
LEAK = """
import logging, os, sys
url = os.environ["DATABASE_URL"]
print(url); print(repr(url)); sys.stderr.write(url + "\\n"); logging.warning(url)
from alembic import context as _context
print(_context.config.get_main_option("sqlalchemy.url"))
"""
LITERAL = f"VALUES (901, '{ROW}', '')"
FAIL = f"""
insert = "INSERT INTO users (id, email, full_name) "
op.execute(insert + "{LITERAL}")
for number in (902, 903):
    text = sa.text(insert + "VALUES (:id, :email, '')")
    op.get_bind().execute(text, {{"id": number, "email": "parameter-" + "{ROW}"}})
"""


def read_parent(entry: Path) -> int:
    """Return the parent of a process, from its folder in /proc."""
    return int((entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])


def read_arguments(pid: int) -> set[str]:
    """Return the argument lists of a process and all that it started, also by way of others."""
    found, parents = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = read_parent(entry)
                found[int(entry.name)] = (entry / "cmdline").read_text("utf-8", "replace")
            except OSError:
                continue
    ours = {pid}
    for _ in range(4):
        ours |= {child for child, parent in parents.items() if parent in ours}
    return {found[child].replace("\x00", " ") for child in ours if child in found}


def spellings(password: str) -> list[str]:
    """Return how a password may be written; the tail alone is enough to be a leak."""
    quoted = quote(password, safe="")
    return [
        password, quoted, quote_plus(password), quoted.replace("%", "%%"), quote(password, safe=" +"),
        json.dumps(password)[1:-1], repr(password)[1:-1], quoted.lower(),
        "%C3%BC%C3%9F", password[-4:], "\\u00fc\\u00df",
    ]  # fmt: skip


def run_on_github(
    project: Project, url: str, folder: Path, slack: SlackServer
) -> tuple[int, dict[str, str]]:
    """Promote as GitHub does; return the exit code and everything that leaves, by name."""
    env = {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main",
        "GITHUB_STEP_SUMMARY": str(folder / "summary"), "GITHUB_OUTPUT": str(folder / "outputs"),
        "SHOP_URL": url,
    }  # fmt: skip
    arguments: set[str] = set()
    command = [*tool(), "promote", "--json", str(folder / "result.json")]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        run = subprocess.Popen(
            command, cwd=project.path, env=environment(env), stdout=out, stderr=err
        )
        while run.poll() is None:
            arguments |= read_arguments(run.pid)
            time.sleep(0.01)
    files = ("summary", "outputs", "result.json", "stdout", "stderr")
    told = {name: (folder / name).read_text("utf-8") for name in files}
    told["Slack"] = "\n".join(json.dumps(m, ensure_ascii=False) for m in slack.messages)
    told["arguments"] = "\n".join(arguments)
    for file in project.path.glob(".ci-migrate/**/*.json"):
        told[file.name] = file.read_text("utf-8")
    return run.returncode, told


def make_project(folder: Path, slack: SlackServer) -> Project:
    project = build_repository("linear", folder)
    env_py = project.path / "migrations/env.py"
    env_py.write_text(LEAK + env_py.read_text("utf-8"), "utf-8")
    environments: dict[str, Any] = {"dev": {"url": "${SHOP_URL}", "branches": ["main"]}}
    write_config(project, environments, notify={"slack": {"webhook": slack.url}})
    return project


def assert_clean(told: dict[str, str], words: list[str]) -> None:
    for name, text in told.items():
        # the command that masks is what the runner takes out of the log by itself
        lines = [line for line in text.splitlines() if not line.startswith("::add-mask::")]
        for word in words:
            assert word not in "\n".join(lines), f"{name} holds {word!r}"


@pytest.mark.slow_on("mariadb")
@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_nothing_that_leaves_holds_the_password(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, slack: SlackServer
) -> None:
    admin = request.getfixturevalue(f"{kind}_url")
    server = request.getfixturevalue(kind)
    password = PASSWORDS[kind]
    name = str(sa.engine.make_url(admin).database)
    server.create_role(f"canary_{name}", password, superuser=True)
    url = server.tcp_url(name, role=f"canary_{name}", password=password)
    project = make_project(tmp_path / "shop", slack)

    code, told = run_on_github(project, url, tmp_path, slack)
    assert code == 0, told["stdout"] + told["stderr"]
    assert "dump" in told["arguments"], "the backup's process was seen"
    assert "***" in told["stdout"], "the project printed its URL"
    assert_clean(told, spellings(password))
    assert slack.messages[0]["text"].startswith("dev: PROMOTED")

    add_revision(project, "bad0bad0bad0", message="break it", upgrade=FAIL)
    code, told = run_on_github(project, url, tmp_path, slack)
    assert code in {5, 6}, told["stdout"] + told["stderr"]
    error = json.loads(told["result.json"])["error"]
    assert error["revision"] == "bad0bad0bad0"
    assert "uplicate" in error["message"], error
    told["ledger"] = str(
        query(admin, f"SELECT * FROM {'ci_migrate.' * (kind == 'postgres')}ci_migrate_ledger")
    )
    assert_clean(told, spellings(password))
    told.pop("ledger")  # it keeps the source of the revision, where the literal is
    assert_clean(told, [f"parameter-{ROW}"])


def test_a_password_in_a_url_that_is_wrong_is_not_shown(tmp_path: Path, slack: SlackServer) -> None:
    password = PASSWORDS["postgres"]
    project = make_project(tmp_path / "shop", slack)
    for url in (f"postgresql://shop:{password}@127.0.0.1:x/shop", f"nonsense://a:{password}@b"):
        code, told = run_on_github(project, url, tmp_path, slack)
        assert code == 2, told["stdout"]
        assert_clean(told, spellings(password))
