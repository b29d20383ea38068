"""A GitHub that answers something else than GitHub does: always an error of its own kind, never a bug."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import create_server, socket

import pytest

from ci_migrate.errors import GitHubError, NoAnswerError
from ci_migrate.evidence.github_record import read_record, write_record
from ci_migrate.github.deployments import (
    create_deployment,
    iterate_deployments,
    read_deployment_state,
    set_deployment_state,
)
from ci_migrate.github.pulls import (
    create_pull,
    iterate_pulls,
    set_commit_status,
)
from ci_migrate.github.repository import compare_commits, read_reviews
from ci_migrate.github.rest import GitHub, open_github
from ci_migrate.http_client import ask_api
from ci_migrate.models import Evidence, RunInfo
from tests.servers.github import Answer, GitHubServer

SHA = "a" * 40
BODIES = (
    "", "{", "<html>Sign in</html>", "null", "true", "17", '"welcome"', "{}", "[]", '{"a": 1}', "[null]", "[1]", "[[]]",
    '["x"]', "[{}]", '[{"id": null, "payload": {}}]', '[{"id": "x", "payload": {"executed": 1}, "sha": 2}]',
    '[{"id": 1, "payload": "{"}]', '[{"number": [], "head": 1, "base": {}}]', '[{"state": 1, "user": null}]',
    '[{"state": "approved", "user": {"login": "ada"}, "environments": [7]}]', '{"default_branch": []}',
    '{"merge_base_commit": 1, "files": 2}', '{"files": [1], "merge_base_commit": {"sha": 1}}', "[" * 100_000,
    '[{"filename": {}}]', '{"id": "1"}', "\x00\x1b[31m", "[NaN, Infinity]", '[{"id": 1e999, "payload": {}}]',
)  # fmt: skip
RUN = RunInfo(run_id="1", started_at="2026-01-01T00:00:00.000Z", commit=SHA)
LEDGER = {"4f1c": Evidence(revision="4f1c", content_hash="v1:0", finished_at="", environment="dev")}
CALLS: dict[str, Callable[[GitHub], object]] = {
    "deployments": lambda github: list(iterate_deployments(github, "dev")),
    "state": lambda github: read_deployment_state(github, 1),
    "deployment": lambda github: create_deployment(
        github, environment="dev", commit=SHA, description="", payload={}
    ),
    "new state": lambda github: set_deployment_state(
        github, 1, state="success", description="", log_url=None
    ),
    "record": lambda github: read_record(github, "dev", {"4f1c"}),
    "new record": lambda github: write_record(github, "dev", RUN, LEDGER),
    "pulls": lambda github: list(iterate_pulls(github, "main")),
    "pull": lambda github: create_pull(github, head="a", base="b", title="", body=""),
    "status": lambda github: set_commit_status(
        github, SHA, state="success", context="x", description=""
    ),
    "comparison": lambda github: compare_commits(github, "a", "b"),
    "reviews": lambda github: read_reviews(github, "1"),
}


@contextmanager
def slow_server(beginning: bytes) -> Iterator[str]:
    """Yield the URL of a server that says `beginning` at once, and then one byte ten times a second."""
    over = threading.Event()

    def serve(client: socket) -> None:
        with client, contextlib.suppress(OSError):  # the client has gone
            client.sendall(beginning)
            while not over.wait(0.1):
                client.sendall(b"a")

    def accept() -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        over.set()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD, HEAD + b"\r\n"])
def test_an_answer_that_comes_byte_by_byte_has_a_deadline(beginning: bytes) -> None:
    """Each byte is in time, the whole never."""
    started = time.monotonic()
    with slow_server(beginning) as url, pytest.raises(NoAnswerError, match="within 2 s"):
        ask_api("GET", url, headers={}, seconds=2)
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("call", CALLS)
def test_nonsense_is_an_error_of_githubs(call: str, github: GitHubServer) -> None:
    client = open_github(github.env)
    for body in BODIES:
        github.outage = Answer(status=200, body=body)
        with contextlib.suppress(GitHubError):
            CALLS[call](client)


@pytest.mark.parametrize("status", [199, 304, 404, 422, 451])
def test_nonsense_in_a_refusal_is_passed_over(status: int, github: GitHubServer) -> None:
    client = open_github(github.env)
    for body in BODIES[::3]:
        github.outage = Answer(status=status, body=body)
        with contextlib.suppress(GitHubError):
            create_pull(client, head="a", base="b", title="", body="")
