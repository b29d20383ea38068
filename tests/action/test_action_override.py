"""Passing over a gate from GitHub: chosen and explained in the form of the workflow, as shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.action.team import Team, found_team, local_actions
from tests.promotion import run_tool

pytestmark = [pytest.mark.action, pytest.mark.slow, pytest.mark.usefixtures("act")]
REASON = 'staging\'s disk is broken --override window "$(id)" `id`'


def test_a_gate_is_passed_over_with_the_reason_that_was_typed(
    tmp_path: Path, slack, github, action_checkout, setup_python_stub, project_python
) -> None:
    urls = {name: f"sqlite:///{tmp_path}/{name}.sqlite" for name in ("dev", "staging")}
    team: Team = found_team(
        tmp_path,
        urls=urls,
        slack=slack,
        github=github,
        actions=local_actions(action_checkout, setup_python_stub),
        python=project_python,
    )
    assert list(team.push("staging").expect("blocked").failed_gates) == ["order"]
    done = team.press("promote", "staging", override="order", reason=REASON).expect("promoted")
    [gate] = [g for g in json.loads(done.outputs["gates"]) if g["outcome"] == "overridden"]
    assert (gate["name"], gate["reason"]) == ("order", REASON)
    runs = run_tool(team.project.path, "history", "--environment", "staging", env=team.secrets)
    assert [each["message"] for each in runs.result[-1]["overrides"]] == [REASON]
    assert "OVERRIDDEN" in json.dumps(slack.messages[-1])
