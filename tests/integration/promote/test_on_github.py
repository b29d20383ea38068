"""As GitHub's runner starts it: branch by event, summary, outputs, annotations, and a message to Slack."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.promote.shop import Shop, build_shop
from tests.projects_changes import add_revision, add_second_head
from tests.servers.slack import Answer, SlackServer
from tests.unit.report.runner_log import read_log

pytestmark = pytest.mark.newest


@pytest.fixture
def shop(tmp_path: Path, slack: SlackServer) -> Shop:
    return build_shop(
        tmp_path / "shop",
        settings={"backup": "none"},
        notify={"slack": {"webhook": slack.url}},
    )


def github(folder: Path, *, name: str = "push", ref: str = "refs/heads/dev") -> dict[str, str]:
    event = folder / "event.json"
    event.write_text(json.dumps({"ref": ref, "deleted": False}), "utf-8")
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF": ref,
        "GITHUB_SHA": "1234567890abcdef1234567890abcdef12345678",
        "GITHUB_ACTOR": "ada",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": "7",
        "GITHUB_WORKSPACE": str(folder / "shop"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_OUTPUT": str(folder / "outputs"),
    }


@pytest.mark.parametrize(
    ("private", "directory", "encrypt_to", "exit_code"),
    [
        (False, "backups", "", 4),
        (False, "backups", "age1", 0),
        (False, ".ci-migrate/backups", "", 0),
        (False, "../elsewhere", "", 0),
        (True, "backups", "", 0),
        (None, "backups", "", 0),
    ],
)
def test_a_public_repository_gets_no_archive_where_a_step_would_publish_it(
    tmp_path: Path, private: bool | None, directory: str, encrypt_to: str, exit_code: int
) -> None:
    """What an artifact step of the user's takes along: files of the workspace that are not hidden."""
    backup: dict[str, Any] = {"directory": directory}
    if encrypt_to:
        identity = pytest.importorskip("pyrage").x25519.Identity.generate()
        backup["encrypt_to"] = str(identity.to_public())
    shop = build_shop(tmp_path / "shop", settings={"backup": backup})
    env = github(tmp_path)
    if private is not None:
        event = {"ref": "refs/heads/dev", "deleted": False, "repository": {"private": private}}
        Path(env["GITHUB_EVENT_PATH"]).write_text(json.dumps(event), "utf-8")
    ran = shop.run("promote", env=env)
    assert ran.exit_code == exit_code, ran.output
    if exit_code:
        assert "acme/shop is public" in ran.result["error"]["message"]
        assert "encrypt_to" in ran.result["error"]["next"]
        assert not (shop.project.path / "backups").exists()
    else:
        is_told = private is False and directory == ".ci-migrate/backups"
        assert ("is public" in "".join(ran.result["warnings"])) == is_told


def read_outputs(folder: Path) -> dict[str, Any]:
    text = (folder / "outputs").read_text("utf-8")
    return {m[1]: m[3] for m in re.finditer(r"(?ms)^([\w-]+)<<(\S+)\n(.*?)\n\2$", text)}


def test_a_push_is_promoted_and_told_everywhere(
    shop: Shop, tmp_path: Path, slack: SlackServer
) -> None:
    ran = shop.run("promote", env=github(tmp_path))
    assert ran.outcome == "promoted", ran.output
    head = shop.project.situation.heads[0]

    outputs = read_outputs(tmp_path)
    assert (outputs["outcome"], outputs["environment"], outputs["branch"]) == (
        "promoted",
        "dev",
        "dev",
    )
    assert json.loads(outputs["to"]) == [head]
    assert len(json.loads(outputs["applied"])) == 3

    summary = (tmp_path / "summary").read_text("utf-8")
    assert summary.startswith("### ✅ ci-migrate: dev: PROMOTED to ")
    assert "https://github.com/acme/shop/actions/runs/7" in summary

    (message,) = slack.messages
    told = json.dumps(message)
    assert message["text"].startswith("dev: PROMOTED")
    for part in (head, "ada", "actions/runs/7|log of this run", "/commit/1234567890ab"):
        assert part in told

    log = read_log(ran.output)
    assert [command.partition(" ")[0] for command in log.commands] == ["group", "endgroup"] * 2
    assert log.open_groups == 0
    assert any("dev: PROMOTED" in line for line in log.outside)


def test_a_failure_is_told_everywhere_with_its_cause_and_next_step(
    shop: Shop, tmp_path: Path, slack: SlackServer
) -> None:
    message = "add it | <!channel> @team ::error::no"
    hostile = (
        'print("::error::printed\\n##[error]printed"); op.execute("INSERT INTO nowhere VALUES (1)")'
    )
    assert shop.run("promote", env=github(tmp_path)).outcome == "promoted"
    file = add_revision(shop.project, "bad0bad0bad0", message=message, upgrade=hostile)
    for name in ("summary", "outputs"):
        (tmp_path / name).unlink()
    ran = shop.run("promote", env=github(tmp_path))
    assert ran.exit_code in {5, 6}, ran.output

    log = read_log(ran.output)
    assert log.open_groups == 0
    errors = [command for command in log.commands if command.startswith("error")]
    assert len(errors) == 1, log.commands
    assert "nowhere" in errors[0]
    line = next(line for line in ran.output.splitlines() if line.startswith("::error "))
    assert f"file=migrations/versions/{file.name},line=" in line

    told = json.dumps(slack.messages[-1])
    assert len(slack.messages) == 2
    assert "<!channel>" not in told
    for part in ("bad0bad0bad0", "nowhere", ran.result["error"]["next"][:20]):
        assert part in told
    assert read_outputs(tmp_path)["outcome"] == ran.outcome
    assert json.loads(read_outputs(tmp_path)["error"])["revision"] == "bad0bad0bad0"
    assert "nowhere" in (tmp_path / "summary").read_text("utf-8")


def test_a_blocked_run_is_told(shop: Shop, tmp_path: Path, slack: SlackServer) -> None:
    add_second_head(shop.project)
    ran = shop.run("promote", env=github(tmp_path))
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert slack.messages[0]["text"] == "dev: BLOCKED by heads; the database was not touched"
    assert "alembic merge" in json.dumps(slack.messages[0])
    assert [c.partition(" ")[0] for c in read_log(ran.output).commands] == ["error"]


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("push", "refs/heads/nobody"),
        ("push", "refs/tags/dev"),
        ("pull_request", "refs/pull/1/merge"),
    ],
)
def test_other_events_deploy_nothing_and_say_so(
    name: str, ref: str, shop: Shop, tmp_path: Path, slack: SlackServer
) -> None:
    ran = shop.run("promote", env=github(tmp_path, name=name, ref=ref))
    assert (ran.outcome, ran.exit_code) == ("nothing-to-do", 0), ran.output
    assert "NOTHING TO DO" in ran.output
    assert slack.messages == []
    assert not list(shop.path.glob("*.db"))
    assert read_outputs(tmp_path)["outcome"] == "nothing-to-do"


def test_reporters_that_fail_do_not_change_the_outcome(
    shop: Shop, tmp_path: Path, slack: SlackServer
) -> None:
    slack.answers.append(Answer(status=403, body="invalid_token"))
    env = {**github(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path)}
    ran = shop.run("promote", env=env)
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert "invalid_token" in ran.output
    told = [warning.partition(" was ")[0] for warning in ran.result["warnings"]]
    assert told == ["Slack", "job summary"]
    assert "not-a-real-token" not in ran.output


def test_a_configuration_that_is_wrong_is_told_too(
    shop: Shop, tmp_path: Path, slack: SlackServer
) -> None:
    (shop.path / "ci-migrate.yml").write_text("version: 1\nenvironments: {dev: {}}\n", "utf-8")
    ran = shop.run("promote", env=github(tmp_path))
    assert ran.exit_code == 2, ran.output
    assert read_outputs(tmp_path)["outcome"] == "failed"
    assert "url" in (tmp_path / "summary").read_text("utf-8")
