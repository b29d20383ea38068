"""One environment on SQLite: what a run does beside the upgrade, and what it leaves alone."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, write_shop_config
from tests.projects_builder import copy_project, run_git
from tests.projects_changes import add_revision
from tests.promotion import environment, promote, run_tool, say, tool, write_config

pytestmark = pytest.mark.newest

FAIL = 'op.execute("INSERT INTO nowhere VALUES (1)")'


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return build_shop(tmp_path / "shop")


def mark_imports(shop: Shop, marker: Path) -> None:
    """Make env.py leave a trace when it is executed."""
    env = shop.path / "migrations/env.py"
    env.write_text(f"open({str(marker)!r}, 'a').close()\n" + env.read_text("utf-8"), "utf-8")


def test_nothing_pending_runs_nothing(shop: Shop, tmp_path: Path) -> None:
    marker = tmp_path / "env-was-run"
    mark_imports(shop, marker)
    assert shop.promote("dev").outcome == "promoted"
    assert marker.exists(), "the trap works"
    marker.unlink()
    before = shop.file("dev").read_bytes()
    backups = sorted((shop.path / ".ci-migrate/backups").iterdir())

    again = shop.promote("dev")
    assert (again.outcome, again.exit_code) == ("nothing-to-do", 0), again.output
    assert not marker.exists(), "code of the project was run"
    assert again.result["backup"] is None
    assert sorted((shop.path / ".ci-migrate/backups").iterdir()) == backups
    assert shop.file("dev").read_bytes() == before, "not even a row of the ledger"
    assert again.result["to"] == again.result["from"] == list(shop.project.situation.heads)


def test_a_backup_that_fails_stops_the_run_before_anything(shop: Shop, tmp_path: Path) -> None:
    marker = tmp_path / "env-was-run"
    assert shop.promote("dev").outcome == "promoted"
    mark_imports(shop, marker)
    add_revision(shop.project, "1dd1dd1dd1dd")
    (tmp_path / "file").write_text("")
    write_shop_config(shop.project, {"backup": {"directory": str(tmp_path / "file/backups")}})
    before = shop.file("dev").read_bytes()

    ran = shop.promote("dev")
    assert (ran.outcome, ran.exit_code) == ("failed", 4), ran.output
    assert ran.result["error"]["stage"] == "backup"
    assert "file/backups" in ran.result["error"]["message"]
    assert shop.file("dev").read_bytes() == before
    assert not marker.exists()


def test_the_record_has_run_and_revisions(shop: Shop) -> None:
    ran = shop.promote("dev")
    rows = shop.query(
        "dev", "SELECT kind, outcome, revision, content_hash <> '', source FROM ci_migrate_ledger ORDER BY id"
    )  # fmt: skip
    assert rows[0][:3] == ("run", "promoted", None)
    assert [row[:2] for row in rows[1:]] == [("revision", "executed")] * 3
    assert [row[2] for row in rows[1:]] == [item["revision"] for item in ran.result["applied"]]
    assert all(row[3] and "def upgrade" in row[4] for row in rows[1:])
    commit = run_git(shop.project, "rev-parse", "HEAD")
    run = shop.query(
        "dev", "SELECT run_id, commit_sha, branch, backup FROM ci_migrate_ledger LIMIT 1"
    )[0]
    assert run[:3] == (ran.result["run"]["id"], commit, "dev")
    assert json.loads(run[3])["sha256"] == ran.result["backup"]["sha256"]


def test_the_result_says_all_that_the_record_says(shop: Shop) -> None:
    """The record goes back in time with its database; the file of `--json` does not."""
    result = shop.promote("dev").result
    columns = [row[1] for row in shop.query("dev", "PRAGMA table_info(ci_migrate_ledger)")]
    run, *revisions = (
        dict(zip(columns, row, strict=True))
        for row in shop.query("dev", "SELECT * FROM ci_migrate_ledger ORDER BY id")
    )
    mine = result["run"]
    assert (run["run_id"], run["started_at"], run["actor"], run["host"]) == (
        mine["id"], mine["started"], mine["actor"], mine["host"],
    )  # fmt: skip
    assert (run["commit_sha"], run["run_url"], run["branch"]) == (
        mine["commit"], mine["url"], result["branch"],
    )  # fmt: skip
    for name in ("command", "environment", "outcome"):
        assert run[name] == result[name]
    assert json.loads(run["from_rows"]) == result["from"]
    assert json.loads(run["to_rows"]) == result["reached"]
    assert json.loads(run["versions"]).items() <= result["versions"].items()
    known = ("revision", "message", "seconds", "direction", "content_hash")
    assert [
        {**{name: row[name] for name in known}, "parents": json.loads(row["parents"])}
        for row in revisions
    ] == result["applied"]
    assert all(item["content_hash"] for item in result["applied"])


def test_a_run_that_was_cut_off_is_settled_by_the_next(shop: Shop) -> None:
    """SIGKILL in the second revision; SQLite keeps the first statement of it or nothing, and we say which."""
    slow = add_revision(
        shop.project,
        "510510510510",
        upgrade='op.create_table("half", sa.Column("id", sa.Integer()))\nimport time\ntime.sleep(60)',
    )
    command = [*tool(), "promote", "--environment", "dev"]
    run = subprocess.Popen(
        command, cwd=shop.path, env=environment(shop.env), stdout=subprocess.PIPE, encoding="utf-8"
    )
    with run:
        assert run.stdout is not None
        for line in run.stdout:
            if "[4/4]" in line:
                break
        time.sleep(0.3)
        run.kill()
    assert run.returncode == -signal.SIGKILL
    started = shop.query("dev", "SELECT outcome FROM ci_migrate_ledger WHERE kind = 'run'")
    assert started == [("started",)]

    slow.write_text(slow.read_text("utf-8").replace("time.sleep(60)", "pass").replace(
        '"half"', '"whole"'), "utf-8")  # fmt: skip
    for _ in range(40):  # the worker notices that its parent is gone
        after = shop.run("promote", "--environment", "dev")
        if "is locked" not in after.output:
            break
        time.sleep(0.25)
    assert (after.outcome, after.exit_code) == ("blocked", 3), after.output
    assert "was cut off" in after.output
    assert "CREATE TABLE half" in after.output
    after = shop.run("promote", "--environment", "dev", "--undone", "510510510510")
    assert after.outcome == "promoted", after.output
    ends = shop.query("dev", "SELECT outcome FROM ci_migrate_ledger WHERE kind = 'run' ORDER BY id")
    assert ends == [("interrupted",), ("promoted",)]
    from_store = ("history", "--environment", "dev", "--from", "store", "--json", "-")
    code, copied = say(shop.path, *from_store, env=shop.env)
    assert (code, [run["outcome"] for run in json.loads(copied)]) == (
        0,
        ["interrupted", "promoted"],
    )


def test_a_failed_run_says_where_and_what_next(shop: Shop) -> None:
    assert shop.promote("dev").outcome == "promoted"
    file = add_revision(shop.project, "bad0bad0bad0", message="break it", upgrade=FAIL)
    ran = shop.promote("dev")
    error = ran.result["error"]
    assert ran.outcome in {"failed", "partial"}, ran.output
    assert ran.exit_code == {"failed": 5, "partial": 6}[ran.outcome]
    assert error["revision"] == "bad0bad0bad0"
    assert error["file"] == f"migrations/versions/{file.name}"
    assert error["line"] == 1 + file.read_text("utf-8").splitlines().index(f"    {FAIL}")
    assert error["statement"] == "INSERT INTO nowhere VALUES (1)"
    assert "nowhere" in error["message"]
    assert error["next"]
    assert shop.rows("dev") == list(shop.project.situation.heads)


REFUSE = """
CREATE TRIGGER refuse BEFORE INSERT ON ci_migrate_ledger WHEN NEW.kind = 'revision'
BEGIN SELECT RAISE(ABORT, 'no revision'); END
"""


def test_a_ledger_that_does_not_take_the_plan_has_nothing_of_the_run(shop: Shop) -> None:
    assert shop.promote("dev").outcome == "promoted"
    with sqlite3.connect(shop.file("dev")) as connection:
        connection.execute(REFUSE)
    add_revision(shop.project, "1dd1dd1dd1dd")
    ran = shop.promote("dev")
    assert (ran.outcome, ran.result["error"]["stage"]) == ("failed", "ledger"), ran.output
    assert "no revision" in ran.result["error"]["message"]
    ends = "SELECT outcome FROM ci_migrate_ledger WHERE kind = 'run' ORDER BY id"
    assert shop.query("dev", ends) == [("promoted",)]
    assert "cut off" not in shop.promote("dev").output


def test_the_statements_of_a_failed_revision_are_told(postgres_url: str, tmp_path: Path) -> None:
    """Also of one that is atomic: its statements are held back until it is known that somebody needs them."""
    project = copy_project("failing_second", tmp_path / "work")
    error = promote(project, postgres_url, backup="none").result["error"]
    assert error["revision"] == "3a40de0a443f"
    assert [" ".join(sql.split("(")[0].split()) for sql in error["executed"]] == [
        "CREATE TABLE coupons",
        "INSERT INTO coupons",
    ]
    assert "WELCOME" not in str(error)


@pytest.mark.slow
def test_a_lock_file_is_gone_after_a_run_and_after_a_failed_one(shop: Shop) -> None:
    assert shop.promote("dev").outcome == "promoted"
    assert not list(shop.path.glob("*.lock"))
    add_revision(shop.project, "bad0bad0bad0", upgrade=FAIL)
    shop.promote("dev")
    assert not list(shop.path.glob("*.lock"))


def test_the_ledger_can_live_in_another_database(shop: Shop, tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    write_shop_config(shop.project, {"backup": "none"}, ledger={"url": f"sqlite:///{records}"})
    for name in ("dev", "staging"):
        ran = shop.promote(name)
        assert ran.outcome == "promoted", ran.output
        assert shop.query(name, "SELECT * FROM sqlite_master WHERE name LIKE '%ledger%'") == []
    connection = sqlite3.connect(records)
    runs = connection.execute("SELECT environment FROM ci_migrate_ledger WHERE kind = 'run'")
    assert runs.fetchall() == [("dev",), ("staging",)]
    connection.close()


def test_a_database_that_cannot_be_created_is_the_gate_connection(tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, f"sqlite:///{tmp_path}/no/such/folder/x.db")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "connection" in ran.output
    assert str(tmp_path / "no/such/folder") in ran.output


def test_exit_codes_of_wrong_use(tmp_path: Path) -> None:
    project = copy_project("linear", tmp_path / "work")
    write_config(project, {"dev": {"url": "sqlite:///x.db"}})
    for arguments, words in (
        (("--environment", "nobody"), "nobody"),
        (("--no-such-option",), "No such option"),
        (("--branch", "nobody"), "nobody"),
        (("--config", "no.yml", "--environment", "dev"), "no.yml"),
    ):
        ran = run_tool(project.path, "promote", *arguments)
        assert ran.exit_code == 2, ran.output
        assert words in ran.output
        assert "Traceback" not in ran.output
    assert not (project.path / "x.db").exists()


def test_a_reader_that_goes_away_does_not_stop_the_run(shop: Shop) -> None:
    """`ci-migrate promote | head -1`: the output has no reader, the database must not care."""
    reader, writer = os.pipe()
    command = [*tool(), "promote", "--environment", "dev"]
    run = subprocess.Popen(
        command, cwd=shop.path, env=environment(shop.env), stdout=writer, stderr=writer
    )
    os.close(writer)
    os.close(reader)
    assert run.wait(timeout=60) == 0
    assert shop.rows("dev") == list(shop.project.situation.heads)
