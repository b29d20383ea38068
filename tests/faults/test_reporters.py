"""Slack and the runner's files fail in every way: the promotion stays what it is, and somebody is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import promote
from tests.faults.shop import HEAD, build_shop, write_settings
from tests.faults.stock import Stock
from tests.servers.private_server import find_free_port
from tests.servers.slack import Answer, SlackServer

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_SERVER_URL": "https://github.com",
}
ANSWERS = {
    "is slow": Answer(delay=40),
    "refuses": Answer(status=403, body="action_prohibited"),
    "has broken down": Answer(status=503, body="<html>unavailable</html>"),
    "answers nonsense": Answer(status=200, body="\x00" * 10_000),
    "sends away": Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_slack_that_fails(
    sqlite_stock: Stock, tmp_path: Path, slack: SlackServer, what: str, record_fault: Record
) -> None:
    slack.answers = [ANSWERS[what]] * 10
    check(sqlite_stock, tmp_path, slack.url, record_fault, f"Slack {what}")


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_slack_that_takes_the_connection_and_says_nothing(
    sqlite_stock: Stock, tmp_path: Path, mute: socket.socket, record_fault: Record
) -> None:
    url = f"http://127.0.0.1:{mute.getsockname()[1]}/services/x"
    check(sqlite_stock, tmp_path, url, record_fault, "Slack says nothing")


def test_a_slack_that_is_not_there(
    sqlite_stock: Stock, tmp_path: Path, record_fault: Record
) -> None:
    url = f"http://127.0.0.1:{find_free_port()}/services/x"
    check(sqlite_stock, tmp_path, url, record_fault, "Slack is not there")


def check(stock: Stock, folder: Path, url: str, record: Record, fault: str) -> None:
    """The outcome is that of the database; a warning names the reporter, and the others have delivered."""
    shop = build_shop(folder / "work")
    write_settings(shop, notify={"slack": {"webhook": "${SLACK_URL}"}})
    summary = folder / "summary"
    summary.touch()
    env = {**GITHUB, "SLACK_URL": url, "GITHUB_STEP_SUMMARY": str(summary)}
    ran = promote(shop, stock, env=env)
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert "Slack" in ran.output.partition("\nwarning ")[2].partition("\n")[0]
    assert "PROMOTED to r3" in summary.read_text("utf-8")
    assert stock.version() == HEAD
    lost = stock.count_lost()
    assert lost == 0
    record(fault=fault, database=stock.name, outcome="promoted (0), warned", lost=lost)


@pytest.mark.parametrize("variable", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
def test_a_file_of_the_runner_that_cannot_be_written(
    sqlite_stock: Stock, tmp_path: Path, variable: str, record_fault: Record
) -> None:
    shop = build_shop(tmp_path / "work")
    write_settings(shop)
    ran = promote(shop, sqlite_stock, env={**GITHUB, variable: str(tmp_path)})
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert str(tmp_path) in ran.output.partition("\nwarning ")[2].partition("\n")[0]
    lost = sqlite_stock.count_lost()
    assert lost == 0
    record_fault(
        fault=f"{variable} cannot be written",
        database=sqlite_stock.name,
        outcome="promoted (0), warned",
        lost=lost,
    )
