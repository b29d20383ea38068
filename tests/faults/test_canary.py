"""A canary password and a canary webhook, through every command, failure and reporter: nothing of them leaves."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from ci_migrate.cli.main import main
from tests.faults.leaks import (
    ASCII_PASSWORD,
    PASSWORD,
    Told,
    marks_of,
    run_and_gather,
    spellings_of,
)
from tests.integration.promote.database import query, run_statements
from tests.projects_builder import Project, build_repository
from tests.projects_changes import add_revision
from tests.promotion import write_config
from tests.servers.slack import PATH, Answer, SlackServer

pytestmark = pytest.mark.faults

LEAK = """
import logging as _logging, os as _os, sys as _sys
_sys.path.insert(0, {tests!r})
from tests.faults.leaks import spellings_of as _spellings
for _name, _value in _os.environ.items():
    if "URL" in _name or "KEY" in _name:
        for _text in _spellings(_value) + _spellings(_value.partition("shop:")[2].partition("@1")[0] or "-"):
            print(_text)
            print("x" * 9_980 + _text)
            _sys.stderr.write(_text + "\\n")
        _logging.warning("connecting to %s", _value)
        _os.write(1, _value[:20].encode()); _os.write(1, _value[20:].encode() + b"\\n")
"""
WALKER = str(Path(__file__).parent / "walker.py")
TESTS = str(Path(__file__).parents[2])
RAISE = "import os; raise RuntimeError('no route to ' + os.environ['DATABASE_URL'] + repr(dict(os.environ)))"
SQL = (
    "import os; op.get_bind().exec_driver_sql("
    "'-- ' + 'x' * 7_900 + ' ' + os.environ['DATABASE_URL'].replace('%', '%%')"
    " + chr(10) + 'SELECT nothing FROM nowhere')"
)
ROW = "row-of-ada@canary.example"
ROWS = """
users = sa.table("users", sa.column("id"), sa.column("email"), sa.column("full_name"))
mail = "-".join(["row", "of", "ada@canary.example"])
op.bulk_insert(users, [{"id": n, "email": mail, "full_name": ""} for n in (901, 902)])
"""
FAKE_DUMP = """#!/bin/sh
case "$*" in *--version*|*-V*) exec {real} --version;; esac
test -n "$PGPASSFILE" && cat "$PGPASSFILE" >&2
for word in "$@"; do case "$word" in --defaults*=*) cat "${{word#*=}}" >&2;; esac; done
env >&2
echo "connection to server failed: password authentication failed for $SHOP_URL" >&2
exit 1
"""


@dataclass(kw_only=True)
class Canary:
    """A project on a database whose password must not be seen, and the Slack it reports to."""

    project: Project
    outside: Path
    url: str
    password: str
    slack: SlackServer
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Told:
        """Run a command and see that nothing of the secrets left it; Slack's requests count."""
        has_result = arguments[0] != "config" and arguments[:2] not in WITHOUT_JSON
        arguments = (*arguments, *self.result()) if has_result else arguments
        told = run_and_gather(
            self.project.path,
            self.outside,
            *arguments,
            env={"SLACK_URL": self.slack.url, **self.env, "SHOP_URL": self.url, **(env or {})},
        )
        told.texts["Slack"] = "\n".join(
            f"{request.headers} {request.body}" for request in self.slack.requests
        )
        told.assert_clean(
            [*marks_of(self.password), *marks_of(PATH), *marks_of("k3y-Canary-value")]
        )
        assert "This is a bug" not in told.output, told.output
        return told

    def result(self) -> tuple[str, str]:
        return ("--json", str(self.outside / "result.json"))

    def leak(self, code: str = "", file: str = "migrations/env.py") -> None:
        """Let a file of the project print every variable, and then do something more."""
        path = self.project.path / file
        path.write_text(LEAK.format(tests=TESTS) + code + path.read_text("utf-8"), "utf-8")


def make_canary(folder: Path, url: str, password: str, slack: SlackServer, **more: Any) -> Canary:
    project = build_repository("linear", folder / "shop")
    configure(project, **more)
    env = {"SHOP_KEY": "k3y-Canary-value"}
    return Canary(
        project=project, outside=folder / "out", url=url, password=password, slack=slack, env=env
    )


def configure(project: Project, **more: Any) -> None:
    write_config(
        project,
        {
            "dev": {"url": "${SHOP_URL}", "branches": ["main"], **more},
            "production": {"url": "${SHOP_URL}", "promote_from": "dev"},
        },
        notify={"slack": {"webhook": "${SLACK_URL}"}},
        migrations={
            "env": {"API_KEY": "${SHOP_KEY}", "OTHER_URL": "{url}"},
            "x": ["key=${SHOP_KEY}"],
        },
    )


@pytest.fixture(params=["postgres", "mariadb"])
def canary(request: pytest.FixtureRequest, tmp_path: Path, slack: SlackServer) -> Iterator[Canary]:
    """The canary on each server, as a role of its own."""
    server = request.getfixturevalue(request.param)
    name = str(sa.engine.make_url(request.getfixturevalue(f"{request.param}_url")).database)
    password = PASSWORD if request.param == "postgres" else ASCII_PASSWORD
    server.create_role("shop" + name, password, superuser=True)
    url = server.tcp_url(name, role="shop" + name, password=password)
    yield make_canary(tmp_path, url, password, slack)


ASKS = (("plan",), ("plan", "--static"), ("status",), ("history",))


def test_every_command_that_goes_well(canary: Canary) -> None:
    canary.leak()
    assert canary.run("config", "check").code == 0
    for ask in ASKS:
        assert canary.run(*ask, *named(ask)).code == 0
    told = canary.run("promote", "--environment", "dev")
    assert told.code == 0, told.output
    assert told.output.count("***") > 100, "the project printed its secrets"
    assert "dump" in told.texts["process arguments"], "the backup's process was seen"
    assert "ci_migrate.worker" in told.texts["process arguments"]
    for ask in (*ASKS, ("promote",)):
        assert canary.run(*ask, *named(ask)).code == 0
    told = canary.run("promote", "--environment", "production")
    assert told.code in {0, 3}, told.output
    schema = "ci_migrate." if canary.url.startswith("postgresql") else ""
    rows = str(query(canary.url, f"SELECT * FROM {schema}ci_migrate_ledger"))
    Told(code=0, texts={"ledger": rows}).assert_clean(marks_of(canary.password))
    assert canary.slack.requests


DEV = ("--environment", "dev")
LATER = (
    ("check",), ("heads",), ("merge",), ("rebase", "4f2ec0d6f5f3"), ("backup", "list", *DEV),
    ("backup", "verify", *DEV), ("backup", "take", *DEV),
    ("backup", "prune", *DEV, "--keep", "1"), ("ledger", "reconcile", *DEV), ("adopt", *DEV),
    ("recover", *DEV, "--dry-run"), ("rollback", *DEV, "--advise"), ("rollback", *DEV, "--confirm", "dev"),
    ("backup", "restore", *DEV, "--confirm", "dev"),
)  # fmt: skip
"""What is asked of an environment that has been promoted; some of it has nothing to do, and says so."""
WITHOUT_JSON = {("backup", "verify"), ("backup", "prune"), ("ledger", "reconcile")}


def test_every_other_command(canary: Canary) -> None:
    canary.leak()
    assert canary.run("promote", *DEV).code == 0
    for ask in LATER:
        told = canary.run(*ask)
        assert "No such option" not in told.output, told.output
        assert told.code != 1, told.output
    tried = {ask[0] for ask in (*ASKS, *LATER)} | {"promote", "config"}
    assert tried == set(main.commands), "a new command is tried here, too"


MENDING = ("--dry-run", "--finish", "--undo")
HALF = f"""
op.create_table("halves", sa.Column("id", sa.Integer(), primary_key=True))
{RAISE}
"""


def test_every_command_that_mends_something(canary: Canary) -> None:
    """A revision that is half applied, two heads, and a database without version rows."""
    canary.leak()
    assert canary.run("promote", *DEV).code == 0
    bad = add_revision(canary.project, "bad0bad0bad0", message="break it", upgrade=HALF)
    if canary.url.startswith("postgresql"):
        assert canary.run("promote", *DEV).code == 5
    else:
        assert canary.run("promote", *DEV).code == 6
        codes = [canary.run("recover", *DEV, how, "--confirm", "dev").code for how in MENDING]
        assert codes == [3, 3, 6], "it is found, not proved, then undone, and breaks again"
    bad.unlink()
    parent, other = "8f67280c2894", "0dd0dd0dd0dd"
    add_revision(canary.project, other, message="a head", after=parent, upgrade=RAISE)
    told = canary.run("merge", *DEV)
    assert told.code == 3, "the new head raises in the trial, and what it printed is shown"
    assert "***" in told.output
    run_statements(canary.url, ["DROP TABLE alembic_version"])
    assert canary.run("adopt", *DEV).code == 3


def named(ask: tuple[str, ...]) -> tuple[str, ...]:
    return () if ask[0] == "status" else ("--environment", "dev")


@pytest.mark.parametrize(
    ("canary", "wrong"),
    [("postgres", wrong) for wrong in ("host", "password", "database", "driver", "port", "raw at")]
    + [("mariadb", wrong) for wrong in ("host", "password")],
    indirect=["canary"],
)
def test_a_database_that_cannot_be_reached(canary: Canary, wrong: str) -> None:
    url = sa.engine.make_url(canary.url)
    canary.url = {
        "host": url.set(host="127.0.0.2", port=1),
        "password": url.set(username="nobody"),
        "database": url.set(database="no such database"),
        "driver": url.set(drivername=url.get_backend_name() + "+nonsense"),
        "port": url,
        "raw at": url,
    }[wrong].render_as_string(hide_password=False)
    if wrong == "raw at":
        # As people paste it: what comes after the sign is no host, whoever reads it so.
        canary.url = (
            f"{canary.url.partition('://')[0]}://shop:Head{canary.password}@{canary.password}@h/x"
        )
    if wrong == "port":
        canary.url = re.sub(r":\d+/", ":port/", canary.url)
    for ask in (*ASKS, ("promote",)):
        told = canary.run(*ask, *named(ask))
        if ask != ("plan", "--static") and ask != ("status",):
            assert told.code in {2, 3, 5}, told.output


@pytest.mark.parametrize("place", ["env.py", "revision", "statement", "rows"])
def test_a_failure_that_holds_the_secret(canary: Canary, place: str) -> None:
    if place == "env.py":
        canary.leak(RAISE + "\n")
    else:
        code = {"revision": RAISE, "statement": SQL, "rows": ROWS}[place]
        add_revision(canary.project, "bad0bad0bad0", message="break it", upgrade=code.strip())
    told = canary.run("promote", "--environment", "dev")
    assert told.code in {5, 6}, told.output
    if place == "rows":
        assert "uplicate" in told.output
        told.assert_clean([ROW])
    else:
        assert "***" in told.output
    told = canary.run("history", "--environment", "dev")
    assert told.code == 0
    told.assert_clean([ROW])
    schema = "ci_migrate." if canary.url.startswith("postgresql") else ""
    rows = (
        str(query(canary.url, f"SELECT * FROM {schema}ci_migrate_ledger"))
        if place != "env.py"
        else ""
    )
    Told(code=0, texts={"ledger": rows}).assert_clean([*marks_of(canary.password), ROW])


def test_a_backup_client_that_tells_everything(canary: Canary, tmp_path: Path) -> None:
    """A client that prints its password file and its environment, and fails."""
    is_postgres = canary.url.startswith("postgresql")
    name = "pg_dump" if is_postgres else "mariadb-dump"
    programs = tmp_path / "programs"
    programs.mkdir()
    real = next(path for path in search(name, is_postgres) if path.exists())
    for program in (name, "mysqldump"):
        (programs / program).write_text(FAKE_DUMP.format(real=real))
        (programs / program).chmod(0o755)
    (programs / "pg_restore").symlink_to(real.parent / "pg_restore")
    path = f"{programs}:{Path(__import__('sys').executable).parent}:/usr/bin:/bin"
    told = canary.run("promote", "--environment", "dev", env={"PATH": path})
    assert told.code == 4, told.output
    assert "failed" in told.output


def search(name: str, is_postgres: bool) -> list[Path]:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if is_postgres else []
    return [
        *(folder / name for folder in folders),
        Path("/usr/bin") / name,
        Path("/usr/local/bin") / name,
    ]


@pytest.mark.parametrize("canary", ["postgres"], indirect=True)
@pytest.mark.parametrize("place", [6, 300, 600])
def test_a_bug_of_our_own_that_holds_the_secret(canary: Canary, place: int) -> None:
    """An exception that nobody expects, at some lines of the story: its traceback is told without secrets."""
    words = " ".join([canary.url, *spellings_of(canary.password), canary.slack.url])
    told = run_and_gather(
        canary.project.path,
        canary.outside,
        *("promote", "--environment", "dev", *canary.result()),
        env={
            **canary.env,
            "SLACK_URL": canary.slack.url,
            "SHOP_URL": canary.url,
            "FAULT_FILE": str(canary.outside / "places"),
            "FAULT_WORDS": words,
        },
        program=[sys.executable, WALKER, str(place), "0"],
    )
    assert "RuntimeError: a bug near" in told.output
    assert told.code in {1, 6}, told.output
    told.assert_clean([*marks_of(canary.password), *marks_of(PATH), *marks_of("k3y-Canary-value")])


@pytest.mark.parametrize("canary", ["postgres"], indirect=True)
@pytest.mark.parametrize("answer", ["refused", "echo", "redirect", "nonsense"])
def test_a_slack_that_does_not_take_the_message(
    canary: Canary, answer: str, slack: SlackServer
) -> None:
    if answer == "refused":
        canary.env["SLACK_URL"] = f"http://127.0.0.1:9{PATH}"
    else:
        slack.answers += [
            {
                "echo": Answer(status=400, body=f"no_service for {slack.url} and {PATH}"),
                "redirect": Answer(status=302, body="", headers={"Location": slack.url + "?again"}),
                "nonsense": Answer(status=200, body="\x00\x1b[31m" + PATH * 100),
            }[answer]
        ]
    told = canary.run("promote", "--environment", "dev")
    assert told.code == 0, told.output
    assert "Slack was not told" in told.output


def test_what_stands_in_the_file_itself(tmp_path: Path, slack: SlackServer) -> None:
    """A URL with its password, written into the configuration that has problems all around it."""
    url = f"postgresql://shop:{quote(PASSWORD, safe='')}@127.0.0.1:1/shop"
    canary = make_canary(tmp_path, url, PASSWORD, slack)
    file = canary.project.path / "ci-migrate.yml"
    wrong = (
        f"version: 1\nenvironments:\n  dev: {{url: '{url}', url: '{url}', branch: x}}\n",
        f"version: 1\nenvironments:\n  dev:\n    url: {url}\n    backups: {url}\n    promote_from: '{url}'\n",
        f"version: 1\nenvironments:\n  dev:\n    urls: {url}\n",
        f"version: 1\nnotify: {{slack: {{webhooks: 'https://h{PATH}', webhook: 5}}}}\nenvironments: {{}}\n",
        f"version: 1\nenvironments: {{dev: {{url: [{url}]}}}}\n",
        f"version: 1\nenvironments:\n  dev:\n    url: {url}: x\n   bad: indent\n",
        f"version: 1\nenvironments:\n  '{url}': {{url: '{url}'}}\n",
        f"version: 1\nmigrations: {{url_env: '{url}'}}\nenvironments: {{dev: {{url: x}}}}\n",
    )
    for text in wrong:
        file.write_text(text)
        for command in (("config", "check"), ("promote", "--environment", "dev"), ("status",)):
            told = gather_without(file, canary, command)
            assert told.code == 2, told.output
            told.assert_clean(marks_of(PASSWORD))


def gather_without(file: Path, canary: Canary, command: tuple[str, ...]) -> Told:
    """Run a command; the configuration itself, which holds the secret, does not count."""
    told = run_and_gather(
        canary.project.path,
        canary.outside,
        *command,
        env={"SHOP_URL": canary.url, "SLACK_URL": canary.slack.url},
    )
    told.texts.pop(str(file))
    return told


def test_the_action_masks_what_is_long_enough_and_no_name(
    tmp_path: Path, slack: SlackServer
) -> None:
    database = tmp_path / "x.db"
    sqlite3.connect(database).close()
    url = f"postgresql://shop:{quote(PASSWORD, safe='')}@127.0.0.1:1/shop"
    canary = make_canary(tmp_path, url, PASSWORD, slack)
    action = {"CI_MIGRATE_COMMAND": "promote", "CI_MIGRATE_ENVIRONMENT": "dev"}

    masks, rest = read_masks(canary, action)
    assert {PASSWORD, quote(PASSWORD, safe=""), url, slack.url, "k3y-Canary-value"} <= masks
    assert not [mask for mask in masks if len(mask) < 4]
    assert masks.isdisjoint({"shop", "dev", "production", "127.0.0.1", "postgresql"})
    for word in (*marks_of(PASSWORD), *marks_of(PATH)):
        assert word not in rest

    canary.url = "postgresql://shop:production@127.0.0.1:1/shop"
    masks, rest = read_masks(canary, action)
    assert masks.isdisjoint({"shop", "production"}), "a name in every line of the log is no secret"
    assert canary.url in masks
    assert "production@" not in rest

    canary.url = "postgresql://shop:abc@127.0.0.1:1/shop"
    assert "abc" not in read_masks(canary, action)[0]


def read_masks(canary: Canary, action: Mapping[str, str]) -> tuple[set[str], str]:
    """Run the action; return what the runner is told to mask, and all else that it prints."""
    env = {"SLACK_URL": canary.slack.url, **canary.env, "SHOP_URL": canary.url, **action}
    told = run_and_gather(canary.project.path, canary.outside, env=env)
    assert told.code == 3, told.output
    lines = told.texts["stdout"].splitlines()
    masks = [line.removeprefix("::add-mask::") for line in lines if line.startswith("::add-mask::")]
    assert lines[: len(masks)] == [f"::add-mask::{mask}" for mask in masks], "before all else"
    decoded = {mask.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") for mask in masks}
    return decoded, "\n".join(lines[len(masks) :]) + told.texts["stderr"]


@pytest.mark.parametrize("canary", ["postgres"], indirect=True)
def test_outside_of_the_action_no_mask_carries_a_secret_away(canary: Canary) -> None:
    """`ci-migrate plan > plan.txt` in a step of the user's own: the file may be published."""
    told = canary.run("plan", "--environment", "dev")
    assert "add-mask" not in told.output
