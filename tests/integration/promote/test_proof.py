"""Promotion with proof: where it is looked up, what counts, and what passing over it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.promote.database import query, run_statements
from tests.integration.promote.shop import Shop, build_shop, gates, message, write_shop_config
from tests.projects_builder import build_repository, run_git
from tests.projects_changes import add_revision, edit_revision
from tests.servers.github import Answer, GitHubServer
from tests.servers.postgres import PostgresServer
from tests.servers.slack import SlackServer

pytestmark = pytest.mark.newest

QUICK = {"backup": "none"}


def shop_at_github(folder: Path, github: GitHubServer, **settings: Any) -> Shop:
    """Return a shop whose later environments ask GitHub."""
    shop = build_shop(folder, settings={**QUICK, "evidence": ["github"], **settings})
    github.state.folder = shop.path
    return Shop(project=shop.project, urls=shop.urls, env={**shop.env, **github.env})


@pytest.mark.slow
def test_a_role_that_may_only_read_is_enough(tmp_path: Path, postgres: PostgresServer) -> None:
    project = build_repository("linear", tmp_path / "shop", branches=("dev", "staging"))
    write_shop_config(project, QUICK)
    dev, staging = postgres.create_database(), postgres.create_database()
    shop = Shop(project=project, urls={}, env={"DEV_URL": dev, "STAGING_URL": staging})
    assert shop.promote("dev").outcome == "promoted"

    role, password = "ledger_reader", "only reads"
    postgres.create_role(role, password)
    run_statements(
        dev,
        [
            f"GRANT USAGE ON SCHEMA ci_migrate TO {role}",
            f"GRANT SELECT ON ci_migrate.ci_migrate_ledger TO {role}",
        ],
    )
    name = dev.partition("?")[0].rpartition("/")[2]
    reading = reader_url(postgres, name, role, password)
    with pytest.raises(Exception, match="permission denied"):
        run_statements(reading, ["DELETE FROM ci_migrate.ci_migrate_ledger"])
    ran = shop.promote("staging", DEV_URL=reading)
    assert ran.outcome == "promoted", ran.output
    assert message(ran, "order") == "dev executed all 3, with the same content"


def reader_url(server: PostgresServer, database: str, role: str, password: str) -> str:
    """Return the URL of a database for another role."""
    import sqlalchemy as sa

    url = sa.engine.make_url(server.tcp_url(database)).set(username=role, password=password)
    return url.render_as_string(hide_password=False)


def test_github_carries_the_word_where_the_database_is_out_of_reach(
    tmp_path: Path, github: GitHubServer
) -> None:
    shop = shop_at_github(tmp_path / "shop", github)
    early = shop.promote("staging", DEV_URL="")
    assert (early.outcome, early.exit_code) == ("blocked", 3), early.output
    assert "dev has no record there yet" in message(early, "order")

    assert shop.promote("dev").outcome == "promoted"
    (deployment,) = github.state.deployments
    assert (deployment["environment"], deployment["task"]) == ("dev", "ci-migrate")
    assert deployment["sha"] == run_git(shop.project, "rev-parse", "HEAD")
    assert "sqlite" not in json.dumps(deployment["payload"])

    passed = shop.promote("staging", DEV_URL="")
    assert passed.outcome == "promoted", passed.output
    assert "by its deployments at GitHub" in message(passed, "order")

    head = shop.project.situation.heads[0]
    edit_revision(shop.project, head)
    edited = shop.promote("production", DEV_URL="", STAGING_URL="")
    assert f"staging has not executed {head}" in message(edited, "order")
    assert "it ran another version of that file on 2" in message(edited, "order")


@pytest.mark.slow
def test_an_outage_is_a_warning_while_recording_and_blocks_while_proving(
    tmp_path: Path, github: GitHubServer
) -> None:
    shop = shop_at_github(tmp_path / "shop", github)
    github.outage = Answer(status=403, headers={"Retry-After": "60"})
    untold = shop.promote("dev")
    assert (untold.outcome, untold.exit_code) == ("promoted", 0), untold.output
    assert any("GitHub was not told what dev has executed" in w for w in untold.result["warnings"])

    blocked = shop.promote("staging")
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert "GitHub's rate limit is used up" in message(blocked, "order")

    github.outage = None
    assert shop.promote("dev").outcome == "nothing-to-do"
    assert len(github.state.deployments) == 1
    assert shop.promote("staging").outcome == "promoted"


def test_the_copies_beside_the_backups_carry_the_word(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"evidence": ["store"]})
    early = shop.promote("staging", DEV_URL="")
    assert "its record beside the backups: dev has no record there yet" in message(early, "order")
    assert shop.promote("dev").outcome == "promoted"
    passed = shop.promote("staging", DEV_URL="")
    assert passed.outcome == "promoted", passed.output
    assert "(by its record beside the backups)" in message(passed, "order")


def test_a_copy_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    """It may say that a revision was taken back; as if it were not there, what is left would be a false proof."""
    shop = build_shop(tmp_path / "shop", settings={"evidence": ["store"]})
    assert shop.promote("dev").outcome == "promoted"
    head = shop.project.situation.heads[0]
    taken = shop.run("rollback", "--environment", "dev", "--expect", head)
    assert taken.outcome == "rolled-back", taken.output
    denied = shop.run("plan", "--environment", "staging", env={"DEV_URL": ""})
    assert f"dev has not executed {head}" in message(denied, "order")

    newest = max(
        (shop.path / ".ci-migrate" / "backups").glob("dev-*.run.json"),
        key=lambda path: json.loads(path.read_bytes())["rows"][0]["started_at"],
    )
    newest.write_bytes(newest.read_bytes()[:200])
    unsure = shop.run("plan", "--environment", "staging", env={"DEV_URL": ""})
    assert gates(unsure)["order"] == "failed"
    assert f"{newest.name} is not a usable record of a run" in message(unsure, "order")
    # The copy of another environment is not what it is about, and the ledger knows how to mend it.
    heal_copies(shop)
    again = shop.run("plan", "--environment", "staging", env={"DEV_URL": ""})
    assert f"dev has not executed {head}" in message(again, "order")


def heal_copies(shop: Shop) -> None:
    command = [sys.executable, "-m", "ci_migrate", "ledger", "reconcile", "--write"]
    ran = subprocess.run(
        [*command, "--environment", "dev"],
        cwd=shop.path,
        env={**os.environ, **shop.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_the_next_source_is_asked_only_where_the_first_cannot_be(
    tmp_path: Path, github: GitHubServer
) -> None:
    shop = shop_at_github(tmp_path / "shop", github, evidence=["database", "github"])
    assert shop.promote("dev").outcome == "promoted"
    told = {"DEV_URL": f"sqlite:///{tmp_path}/missing/dev.db"}
    assert gates(shop.run("plan", "--environment", "staging", env=told))["order"] == "passed"
    # What the ledger denies is not asked elsewhere.
    run_statements(shop.urls["dev"], ["UPDATE ci_migrate_ledger SET direction = 'downgrade'"])
    denied = shop.run("plan", "--environment", "staging")
    assert gates(denied)["order"] == "failed"
    assert "dev has not executed" in message(denied, "order")


@pytest.mark.slow
@pytest.mark.parametrize(("rehearse", "answer"), [(True, "failed"), ("round_trip", "passed")])
def test_a_rollback_test_there_can_be_required(
    tmp_path: Path, rehearse: bool | str, answer: str
) -> None:
    settings = {"rehearse": rehearse, "require": ["rollback_test"]}
    shop = build_shop(tmp_path / "shop", settings=settings)
    ran = shop.promote("dev")
    assert ran.outcome == "promoted", ran.output
    planned = shop.run("plan", "--environment", "staging")
    assert gates(planned)["order"] == answer, message(planned, "order")
    said = "without taking it back in a rehearsal" in message(planned, "order")
    assert said is (answer == "failed")


@pytest.mark.slow
def test_what_soaks_waits(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={**QUICK, "soak": "1h30m"})
    assert shop.promote("dev").outcome == "promoted"
    early = shop.promote("staging")
    assert (early.outcome, early.exit_code) == ("blocked", 3), early.output
    assert "less than `soak` (1 h 30 min) ago" in message(early, "order")
    long_ago = "UPDATE ci_migrate_ledger SET finished_at = '2026-01-01T00:00:00+00:00'"
    run_statements(shop.urls["dev"], [long_ago])
    assert shop.promote("staging").outcome == "promoted"


def test_an_override_is_in_the_ledger_and_in_every_report(
    tmp_path: Path, slack: SlackServer
) -> None:
    shop = build_shop(tmp_path / "shop", settings=QUICK, notify={"slack": {"webhook": slack.url}})
    reason = "outage 4711 <!channel> | the fix cannot wait"
    summary = tmp_path / "summary"
    run_git(shop.project, "checkout", "-q", "-B", "staging")
    env = {**runner(tmp_path), "GITHUB_STEP_SUMMARY": str(summary)}
    ran = shop.run("promote", "--override", "order", "--reason", reason, env=env)
    assert ran.outcome == "promoted", ran.output
    gate = next(gate for gate in ran.result["gates"] if gate["name"] == "order")
    assert (gate["outcome"], gate["reason"]) == ("overridden", reason)
    assert "dev has no record there yet" in gate["message"]

    assert f"Gate order OVERRIDDEN by ada\n         Reason: {reason}" in ran.output.replace(
        "gate     ", ""
    )
    assert "OVERRIDDEN by ada" in summary.read_text("utf-8")
    assert "outage 4711" in summary.read_text("utf-8")
    told = json.dumps(slack.messages)
    assert "Gate order OVERRIDDEN by ada" in told
    assert "outage 4711 &lt;!channel&gt;" in told
    rows = query(
        shop.urls["staging"],
        "SELECT outcome, message, actor FROM ci_migrate_ledger WHERE kind = 'override'",
    )
    assert rows == [("order", reason, "ada")]
    assert "overridden   gate order: outage 4711" in shop.run("history").output


@pytest.mark.slow
def test_a_run_without_an_approval_is_blocked(tmp_path: Path, github: GitHubServer) -> None:
    shop = build_shop(tmp_path / "shop", settings={**QUICK, "approval": "live"})
    run_git(shop.project, "checkout", "-q", "-B", "dev")
    here = shop.run("promote")
    assert "no run of GitHub Actions" in message(here, "approval")
    # The action's token is for us alone: the project's code must not find it.
    unseen = "import os\nassert 'CI_MIGRATE_GITHUB_TOKEN' not in os.environ"
    add_revision(shop.project, "c0ffee000001", upgrade=unseen)
    env = {**runner(tmp_path, "dev"), **github.env, "GITHUB_TOKEN": ""}
    env["CI_MIGRATE_GITHUB_TOKEN"] = github.env["GITHUB_TOKEN"]
    for login, state, place in (
        ("mallory", "rejected", "Live"),
        ("mallory", "approved", "other"),
        ("mallory", "pending", "Live"),
    ):
        github.state.add_approval("7", place, login, state)
    blocked = shop.run("promote", env=env)
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert "nobody approved this run for the GitHub environment live" in message(
        blocked, "approval"
    )
    github.state.add_approval("7", "Live", "grace", "approved")
    passed = shop.run("promote", env=env)
    assert passed.outcome == "promoted", passed.output
    assert message(passed, "approval") == "approved by grace"


def test_a_closed_window_blocks(tmp_path: Path) -> None:
    frozen = {"freeze": ["2020-01-01..2200-01-01"]}
    shop = build_shop(tmp_path / "shop", settings={**QUICK, "window": frozen})
    blocked = shop.promote("dev")
    assert (blocked.outcome, blocked.exit_code) == ("blocked", 3), blocked.output
    assert "that day is frozen" in message(blocked, "window")


def runner(folder: Path, branch: str = "staging") -> Mapping[str, str]:
    """Return what GitHub's runner says of a push."""
    event = folder / "event.json"
    event.write_text(json.dumps({"ref": f"refs/heads/{branch}", "deleted": False}), "utf-8")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF": f"refs/heads/{branch}",
        "GITHUB_ACTOR": "ada",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": "7",
    }


@pytest.mark.slow
def test_a_failed_promotion_is_a_deployment_that_failed_and_no_proof(
    tmp_path: Path, github: GitHubServer
) -> None:
    shop = shop_at_github(tmp_path / "shop", github)
    assert shop.promote("dev").outcome == "promoted"
    file = add_revision(
        shop.project, "bad0bad0bad0", upgrade='op.execute("SELECT secret FROM nowhere")'
    )
    ran = shop.promote("dev")
    assert ran.outcome == "failed", ran.output
    failed, before = github.state.deployments
    assert (failed["environment"], failed["description"]) == (
        "dev",
        "promote failed, the database is unchanged",
    )
    assert failed["payload"]["failed"] == {
        "command": "promote",
        "outcome": "failed",
        "revision": "bad0bad0bad0",
    }
    assert "nowhere" not in json.dumps(failed), "everybody can read it"
    states = github.state.deployment_statuses
    assert [states[each["id"]][0]["state"] for each in (failed, before)] == ["failure", "success"]
    refused = shop.promote("staging")
    assert "dev has not executed bad0bad0bad0" in message(refused, "order")

    file.unlink()
    github.outage = Answer(status=500)
    add_revision(shop.project, "bad0bad0bad1", upgrade='op.execute("SELECT secret FROM nowhere")')
    ran = shop.promote("dev")
    assert (ran.outcome, ran.exit_code) == ("failed", 5), ran.output
    assert any("GitHub was not told of the failure" in text for text in ran.result["warnings"])


@pytest.mark.slow
def test_a_blocked_run_leaves_no_deployment_and_a_partial_one_says_so(
    tmp_path: Path, github: GitHubServer
) -> None:
    shop = shop_at_github(tmp_path / "shop", github)
    assert shop.promote("dev").outcome == "promoted"
    upgrade = 'op.create_table("coupons", sa.Column("id", sa.Integer()))\nraise ValueError("no")'
    add_revision(shop.project, "bad0bad0bad0", upgrade=upgrade)
    assert shop.promote("dev").outcome == "partial"
    assert github.state.deployments[0]["description"] == "promote failed, the database was changed"
    add_revision(shop.project, "bad0bad0bad1", after=shop.project.situation.heads[0])
    assert shop.promote("dev").outcome == "blocked"
    assert len(github.state.deployments) == 2
