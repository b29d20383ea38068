"""Sending: every reporter is told, and one that fails is a warning that changes nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ci_migrate.models import GateOutcome, GateResult, Outcome
from ci_migrate.report.console import Console
from ci_migrate.report.send import Reporters, send_reports
from tests.servers.slack import Answer, SlackServer
from tests.unit.report.runner_log import read_log
from tests.unit.report.samples import make_hostile, make_promotion

OUTCOMES = list(Outcome)


def make_reporters(stream: io.StringIO, **more: Any) -> Reporters:
    is_github = more.get("is_github", False)
    return Reporters(console=Console(stream, is_github=is_github, is_terminal=False), **more)


def refused_url(slack: SlackServer) -> str:
    """Return a webhook whose answer is Slack's for one that was revoked."""
    slack.answers.append(Answer(status=404, body="no_service"))
    return slack.url


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_all_reporters_are_told(outcome: Outcome, tmp_path: Path, slack: SlackServer) -> None:
    stream = io.StringIO()
    summary, outputs, result = (tmp_path / name for name in ("summary", "outputs", "result.json"))
    reporters = make_reporters(
        stream,
        is_github=True,
        json_file=result,
        summary_file=summary,
        outputs_file=outputs,
        slack_webhook=slack.url,
    )
    told = send_reports(make_promotion(outcome), reporters)
    assert told.warnings == ()
    assert "production" in summary.read_text("utf-8")
    assert f"\n{outcome.value}\n" in outputs.read_text("utf-8")
    assert json.loads(result.read_text("utf-8"))["outcome"] == outcome.value
    assert "production: " in stream.getvalue()
    assert len(slack.messages) == (0 if outcome is Outcome.NOTHING_TO_DO else 1)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_reporters_that_fail_are_warnings_and_the_exit_code_stays(
    outcome: Outcome, tmp_path: Path, slack: SlackServer
) -> None:
    stream = io.StringIO()
    promotion = make_promotion(outcome)
    told = send_reports(
        promotion,
        make_reporters(
            stream,
            is_github=True,
            json_file=tmp_path / "no" / "result.json",
            summary_file=tmp_path,
            outputs_file=tmp_path / "no" / "outputs",
            slack_webhook=refused_url(slack) if outcome is not Outcome.NOTHING_TO_DO else None,
        ),
    )
    assert told.exit_code == promotion.exit_code
    assert told.outcome is outcome
    names = [warning.partition(" was not told: ")[0] for warning in told.warnings]
    expected = ["job summary", "step outputs", "JSON result"]
    assert names[-3:] == expected
    assert ("Slack" in names) == (outcome is not Outcome.NOTHING_TO_DO)
    for warning in told.warnings:
        assert warning in stream.getvalue()
        assert slack.url not in warning


def test_a_reporter_told_later_tells_of_one_that_failed(tmp_path: Path, slack: SlackServer) -> None:
    summary = tmp_path / "summary"
    send_reports(
        make_promotion(Outcome.PROMOTED),
        make_reporters(io.StringIO(), summary_file=summary, slack_webhook=refused_url(slack)),
    )
    assert r"HTTP 404, 'no\_service'" in summary.read_text("utf-8")


def test_a_server_that_is_gone_is_a_warning_without_the_url(slack: SlackServer) -> None:
    url = slack.url.replace("http://127.0.0.1", "http://127.0.0.1:1/gone#")
    told = send_reports(
        make_promotion(Outcome.PARTIAL), make_reporters(io.StringIO(), slack_webhook=url)
    )
    assert told.exit_code == 6
    assert told.warnings[0].startswith("Slack was not told: ")
    assert "not-a-real-token" not in told.warnings[0]


def annotations(promotion: Any, folder: str = "") -> list[str]:
    stream = io.StringIO()
    send_reports(promotion, make_reporters(stream, is_github=True, root_in_repository=folder))
    return [line for line in stream.getvalue().splitlines() if line.startswith("::error")]


def test_a_failure_is_an_annotation_at_the_line_of_its_revision() -> None:
    assert annotations(make_promotion(Outcome.FAILED), "shop") == [
        (
            "::error file=shop/migrations/versions/bbbb2222_x.py,line=21,title=ci-migrate%3A failed::"
            'UndefinedTable: relation "nowhere" does not exist%0ACorrect bbbb2222 and push again.'
        )
    ]


def test_each_failed_gate_is_an_annotation_and_the_block_itself_none() -> None:
    gates = tuple(
        GateResult(name=name, outcome=outcome, message="no", next_step="do", file="a.py", line=1)
        for name, outcome in (
            ("heads", GateOutcome.FAILED),
            ("history", GateOutcome.PASSED),
            ("order", GateOutcome.FAILED),
        )
    )
    assert annotations(make_promotion(Outcome.BLOCKED, gates=gates)) == [
        "::error file=a.py,line=1,title=ci-migrate gate heads::no%0Ado",
        "::error file=a.py,line=1,title=ci-migrate gate order::no%0Ado",
    ]


def test_outside_of_github_there_are_no_annotations() -> None:
    stream = io.StringIO()
    send_reports(make_promotion(Outcome.FAILED), make_reporters(stream))
    assert "::error" not in stream.getvalue()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_hostile_words_add_no_command(outcome: Outcome) -> None:
    stream = io.StringIO()
    send_reports(make_hostile(outcome), make_reporters(stream, is_github=True))
    names = [command.partition(" ")[0] for command in read_log(stream.getvalue()).commands]
    assert set(names) <= {"error"}
    assert len(names) == (1 if outcome is Outcome.BLOCKED else 2)


def test_a_bug_in_a_reporter_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    summary, result = tmp_path / "summary", tmp_path / "result.json"

    def broken(_promotion: object) -> str:
        raise KeyError("version")

    monkeypatch.setattr("ci_migrate.report.send.render_markdown", broken)
    promotion = make_promotion(Outcome.PROMOTED)
    told = send_reports(
        promotion, make_reporters(stream, json_file=result, summary_file=summary, is_github=True)
    )
    assert told.exit_code == promotion.exit_code
    assert told.warnings == (
        "job summary was not told, by a bug in ci-migrate, please report it: KeyError: 'version'",
    )
    assert json.loads(result.read_text("utf-8"))["outcome"] == "promoted"
    assert "production: PROMOTED" in stream.getvalue()


def test_a_file_beside_the_folder_of_the_configuration_is_annotated(tmp_path: Path) -> None:
    from dataclasses import replace

    promotion = make_promotion(Outcome.FAILED)
    assert promotion.failure is not None
    for file, shown in (
        (f"{tmp_path}/backend/m/x.py", "file=backend/m/x.py,"),
        ("m/x.py", "file=deploy/m/x.py,"),
        ("/elsewhere/x.py", None),
    ):
        stream = io.StringIO()
        reporters = make_reporters(
            stream, is_github=True, root_in_repository="deploy", repository=tmp_path
        )
        send_reports(replace(promotion, failure=replace(promotion.failure, file=file)), reporters)
        (line,) = (line for line in stream.getvalue().splitlines() if line.startswith("::error"))
        assert (shown in line) if shown else ("file=" not in line), line
