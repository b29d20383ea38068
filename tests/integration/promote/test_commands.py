"""plan, status, history and config: what they say, as text and as JSON, and that they change nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, gates, message
from tests.projects_builder import run_git
from tests.projects_changes import add_second_head, delete_revision
from tests.promotion import environment, tool

pytestmark = pytest.mark.newest


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return build_shop(tmp_path / "shop", settings={"backup": "none"})


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file of a folder with its time and content."""
    return {
        str(file): (file.stat().st_mtime_ns, file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file() and ".git/" not in str(file) and "result.json" not in file.name
    }


def stdout(shop: Shop, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [*tool(), *arguments], cwd=shop.path, env=environment(shop.env), capture_output=True, text=True
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_plan_shows_what_is_pending_and_touches_nothing(shop: Shop) -> None:
    before = snapshot(shop.path)
    ran = shop.run("plan", "--environment", "dev")
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert [item["revision"] for item in ran.result["pending"]][-1] in shop.project.situation.heads
    assert all(set(item) >= {"message", "file", "atomic"} for item in ran.result["pending"])
    for item in ran.result["pending"]:
        assert item["revision"] in ran.output
        assert item["file"] in ran.output
    assert not shop.file("dev").exists()
    assert snapshot(shop.path) == before


@pytest.mark.slow
def test_only_promote_needs_the_webhook(tmp_path: Path) -> None:
    notify = {"slack": {"webhook": "${HOOK}"}}
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"}, notify=notify)
    for command in (("plan", "--environment", "dev"), ("history", "--environment", "dev")):
        assert shop.run(*command).exit_code == 0
    assert "cannot be asked" not in shop.run("status").output
    ran = shop.run("promote", "--environment", "dev")
    assert ran.exit_code == 2
    assert ran.result["environment"] == "dev"
    assert (ran.result["error"]["file"], ran.result["error"]["line"] > 1) == (
        "ci-migrate.yml",
        True,
    )
    assert "cause    ci-migrate.yml:" in ran.output
    assert "dev: NOT STARTED, no database was touched" in ran.output


def test_plan_of_a_promoted_database_touches_nothing(shop: Shop) -> None:
    assert shop.promote("dev").outcome == "promoted"
    before = snapshot(shop.path)
    ran = shop.run("plan", "--environment", "dev")
    assert (ran.outcome, ran.exit_code) == ("nothing-to-do", 0), ran.output
    assert snapshot(shop.path) == before


def test_plan_ends_with_3_when_a_gate_would_block(shop: Shop) -> None:
    ran = shop.run("plan", "--environment", "production")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert gates(ran)["order"] == "failed"
    assert not shop.file("staging").exists(), "asking the environment before creates nothing"


def test_a_static_plan_needs_no_database(shop: Shop) -> None:
    add_second_head(shop.project)
    ran = shop.run(
        "plan", "--environment", "dev", "--static", env={"DEV_URL": "postgresql://127.0.0.1:1/x"}
    )
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert gates(ran) == {"connection": "skipped", "history": "passed", "heads": "failed"}


def test_a_static_plan_says_nothing_of_the_database(shop: Shop) -> None:
    url = {"DEV_URL": "postgresql://127.0.0.1:1/x"}
    ran = shop.run("plan", "--environment", "dev", "--static", env=url)
    assert (ran.outcome, ran.exit_code) == ("ready", 0), ran.output
    assert "dev: READY as far as the files tell; the database was not asked" in ran.output
    assert "is at base" not in ran.output


def test_plan_of_an_unreachable_database_still_reads_the_files(shop: Shop) -> None:
    ran = shop.run("plan", "--environment", "dev", env={"DEV_URL": "postgresql://127.0.0.1:1/x"})
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert gates(ran) == {"connection": "failed", "history": "passed", "heads": "passed"}


def test_a_ledger_that_cannot_be_reached_is_named_and_hides_nothing_else(tmp_path: Path) -> None:
    nowhere = "postgresql://u:hunter22@127.0.0.1:1/records"
    shop = build_shop(tmp_path / "work", settings={"backup": "none"}, ledger={"url": nowhere})
    for command in ("plan", "promote"):
        ran = shop.run(command, "--environment", "dev")
        assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
        assert gates(ran)["connection"] == "failed"
        assert "records on 127.0.0.1 (`ledger.url`)" in message(ran, "connection")
        assert "Check that `ledger.url` names the right host" in ran.output
    assert len(shop.run("plan", "--environment", "dev").result["pending"]) == 3
    told = shop.run("status", "--environment", "dev")
    assert (
        "dev: at base, 3 pending\n    last run, held and unfinished revisions not known: cannot connect"
        in told.output
    )
    assert (told.result[0]["problem"], len(told.result[0]["pending"])) == ("", 3)
    assert "hunter22" not in told.output + str(told.result)


def test_json_to_stdout_leaves_peoples_text_to_stderr(shop: Shop) -> None:
    code, out, err = stdout(shop, "plan", "--environment", "dev", "--json")
    assert code == 0
    assert json.loads(out)["outcome"] == "ready"
    assert "pending" in err


def test_status_shows_every_environment_also_those_that_cannot_be_asked(shop: Shop) -> None:
    assert shop.promote("dev").outcome == "promoted"
    head = shop.project.situation.heads[0]
    before = snapshot(shop.path)
    ran = shop.run("status", env={"PRODUCTION_URL": "postgresql://u:hunter22@127.0.0.1:1/x"})
    assert ran.exit_code == 0, ran.output
    dev, staging, production = ran.result  # type: ignore[misc]
    assert (dev["name"], dev["current"], dev["pending"]) == ("dev", [head], [])
    assert dev["last_run"]["outcome"] == "promoted"
    assert (staging["current"], len(staging["pending"])) == ([], 3)
    assert "127.0.0.1" in production["problem"]
    assert "hunter22" not in ran.output + str(ran.result)
    assert f"dev: at {head}, nothing pending" in ran.output
    assert "staging: at base, 3 pending" in ran.output
    assert "production: cannot be asked: " in ran.output
    assert snapshot(shop.path) == before


@pytest.mark.slow
def test_status_names_a_row_that_no_file_explains(shop: Shop) -> None:
    assert shop.promote("dev").outcome == "promoted"
    head = shop.project.situation.heads[0]
    delete_revision(shop.project, head)
    ran = shop.run("status", "--environment", "dev")
    assert f"no file here explains {head}" in ran.output


def test_history_shows_runs_with_their_revisions(shop: Shop) -> None:
    code, out, _ = stdout(shop, "history", "--environment", "dev")
    assert (code, out) == (0, "dev: nothing has run here yet\n")
    assert shop.promote("dev").outcome == "promoted"
    commit = run_git(shop.project, "rev-parse", "HEAD")
    ran = shop.run("history", "--environment", "dev")
    assert ran.exit_code == 0, ran.output
    (run,) = ran.result  # type: ignore[misc]
    assert (run["outcome"], run["commit_sha"]) == ("promoted", commit)
    assert [row["outcome"] for row in run["revisions"]] == ["executed"] * 3
    assert shop.project.situation.heads[0] in ran.output
    assert commit[:11] in ran.output


def test_config_check_lists_the_environments(shop: Shop) -> None:
    code, out, _ = stdout(shop, "config", "check")
    assert code == 0
    assert out.splitlines() == [
        "dev: a push to dev",
        "staging: a push to staging, promoted from dev",
        "production: a push to production, promoted from staging",
        "ci-migrate.yml: correct, 3 environments",
    ]


def test_config_check_of_a_wrong_file_names_all_its_faults(shop: Shop) -> None:
    (shop.path / "ci-migrate.yml").write_text("version: 2\nenvironmnets: {}\n", "utf-8")
    code, _, err = stdout(shop, "config", "check")
    assert code == 2
    assert "version" in err
    assert "environmnets" in err
    assert "Traceback" not in err


def test_config_schema_is_the_committed_one(shop: Shop) -> None:
    code, out, _ = stdout(shop, "config", "schema")
    committed = Path(__file__).parents[3] / "docs/reference/config.schema.json"
    assert code == 0
    assert json.loads(out) == json.loads(committed.read_text("utf-8"))


def test_a_detached_head_asks_for_an_environment(shop: Shop) -> None:
    run_git(shop.project, "checkout", "-q", "--detach")
    ran = shop.run("promote")
    assert ran.exit_code == 2, ran.output
    assert "--environment" in ran.output


@pytest.mark.parametrize("command", ["promote", "history", "rollback"])
def test_who_looks_for_a_cause_gets_the_traceback_without_secrets(shop: Shop, command: str) -> None:
    arguments = (command, "--environment", "dev")
    config = shop.path / "ci-migrate.yml"
    url = "postgresql://shop:hunter22hunter22@127.0.0.1:1/shop"
    config.write_text(config.read_text().replace("${DEV_URL}", url))
    for options, is_shown in (((), False), (("--debug",), True)):
        _, out, err = stdout(shop, *options, *arguments)
        assert ("Traceback (most recent call last)" in out + err) is is_shown, out + err
        assert "hunter22" not in out + err
