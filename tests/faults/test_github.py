"""GitHub is slow, refuses, or answers nonsense: a warning while recording, a block while proving, never a hang."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_server

import pytest

from ci_migrate.http_client import API_SECONDS
from tests.faults.conftest import Record
from tests.integration.promote.shop import Shop, build_shop, message
from tests.servers.github import Answer, GitHubServer
from tests.servers.private_server import find_free_port

pytestmark = pytest.mark.newest

ANSWERS = {
    "refuses": Answer(status=403, body='{"message": "Resource not accessible by integration"}'),
    "has broken down": Answer(status=502, body="<html>Unicorn!</html>"),
    "answers nonsense": Answer(status=200, body='[null, {"id": "x", "payload": {}}]'),
    "is a login page": Answer(status=200, body="<html>Sign in</html>"),
    "sends away": Answer(status=302, headers={"Location": "http://127.0.0.1:9/"}),
}


@pytest.fixture
def break_github(github: GitHubServer) -> Iterator[Callable[[str], dict[str, str]]]:
    """A function that breaks GitHub in the way that is told, and returns the variables that lead there."""
    with create_server(("127.0.0.1", 0)) as mute:

        def break_it(how: str) -> dict[str, str]:
            if how in ANSWERS:
                github.outage = ANSWERS[how]
                return github.env
            port = mute.getsockname()[1] if how == "says nothing" else find_free_port()
            return {**github.env, "GITHUB_API_URL": f"http://127.0.0.1:{port}"}

        yield break_it


def shop_at(folder: Path, **settings: object) -> Shop:
    return build_shop(folder / "shop", settings={"backup": "none", **settings})


@pytest.mark.parametrize("how", ["refuses", "answers nonsense", "sends away", "says nothing"])
def test_what_was_executed_cannot_be_recorded(
    tmp_path: Path,
    github: GitHubServer,
    break_github: Callable[[str], dict[str, str]],
    how: str,
    record_fault: Record,
) -> None:
    shop = shop_at(tmp_path, evidence=["github"])
    github.state.folder = shop.path
    started = time.monotonic()
    ran = shop.promote("dev", **break_github(how))
    assert (ran.outcome, ran.exit_code) == ("promoted", 0), ran.output
    assert time.monotonic() - started < API_SECONDS
    (warning,) = (text for text in ran.result["warnings"] if "GitHub" in text)
    assert "GitHub was not told what dev has executed, the next run will" in warning
    assert "Traceback" not in ran.output
    github.outage = None
    after = shop.promote("dev", **github.env)
    assert after.outcome == "nothing-to-do"
    assert len(github.state.deployments) == 1, "what was not told then is told now"
    record_fault(
        fault=f"GitHub {how} while recording",
        database="SQLite",
        outcome="promoted (0), warned",
        lost=0,
    )


@pytest.mark.parametrize(
    "how", ["has broken down", "is a login page", "is not there", "says nothing"]
)
def test_nobody_can_say_what_was_executed_before(
    tmp_path: Path,
    github: GitHubServer,
    break_github: Callable[[str], dict[str, str]],
    how: str,
    record_fault: Record,
) -> None:
    shop = shop_at(tmp_path, evidence=["github"])
    github.state.folder = shop.path
    assert shop.promote("dev", **github.env).outcome == "promoted"
    ran = shop.promote("staging", **break_github(how))
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "its deployments at GitHub: " in message(ran, "order")
    assert "Traceback" not in ran.output
    assert not shop.file("staging").exists() or shop.rows("staging") == []
    github.outage = None
    assert shop.promote("staging", **github.env).outcome == "promoted"
    record_fault(
        fault=f"GitHub {how} while proving", database="SQLite", outcome="blocked (3)", lost=0
    )


@pytest.mark.parametrize("how", ["refuses", "answers nonsense", "is not there"])
def test_nobody_can_say_who_approved(
    tmp_path: Path,
    break_github: Callable[[str], dict[str, str]],
    how: str,
    record_fault: Record,
) -> None:
    shop = shop_at(tmp_path, approval=True)
    run = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_ID": "7",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/dev",
    }
    ran = shop.promote("dev", **{**break_github(how), **run})
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert "it cannot be told whether this run was approved" in message(ran, "approval")
    assert "Traceback" not in ran.output
    record_fault(
        fault=f"GitHub {how} when asked who approved",
        database="SQLite",
        outcome="blocked (3)",
        lost=0,
    )
