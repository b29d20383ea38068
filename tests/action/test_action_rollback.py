"""The workflow behind the button, as a team would run it."""

from __future__ import annotations

import json
import re

import pytest

from tests.action.act import NO_SHA
from tests.action.shop import ROOT, build_shop
from tests.promotion import run_tool

pytestmark = [pytest.mark.action, pytest.mark.slow, pytest.mark.usefixtures("act")]
ROLLBACK = ROOT / "workflows" / "rollback.yml"
LAST = "5c00753421f7"


def test_the_button_takes_one_revision_back(
    tmp_path, action_checkout, setup_python_stub, slack, sqlite_url
):
    text = ROLLBACK.read_text("utf-8")
    pin = re.search(r"actions/setup-python@\w+", text).group()
    actions = {f"ci-migrate/ci-migrate@{NO_SHA}": action_checkout, pin: setup_python_stub}
    shop = build_shop("linear", tmp_path, actions, text)
    given = {"DEV_DATABASE_URL": sqlite_url, "SLACK_WEBHOOK_URL": slack.url}
    first = run_tool(shop.project.path, "promote", "--environment", "dev", env=given)
    assert first.outcome == "promoted", first.output

    def push(branch, **inputs):
        inputs = {"environment": "dev", "confirm": "dev", "expect": "", **inputs}
        return shop.push(branch, given, event="workflow_dispatch", inputs=inputs)

    elsewhere = push("staging")
    assert "rollback" not in elsewhere.results, "the job is for the environment's own branch"
    quoted = push("dev", confirm="dev' --expect b82e443fd109 '")
    assert quoted.returncode != 0
    assert "--confirm says" in quoted.log
    done = push("dev", expect=LAST)
    assert done.returncode == 0, done.log
    assert done.outputs["rollback"]["outcome"] == "rolled-back"
    assert json.loads(done.outputs["rollback"]["to"]) == ["b82e443fd109"]
    assert "ROLLED BACK by downgrade" in done.summary
    assert "ROLLED BACK by downgrade" in json.dumps(slack.messages)
    again = push("dev", expect=LAST)
    assert again.returncode != 0
    assert "was expected to be what ran last" in again.log
