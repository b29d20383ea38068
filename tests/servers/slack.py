"""A local Slack: an incoming webhook that holds messages to Slack's limits and remembers them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.servers.local_http import LocalHttp, QuietHandler
from tests.servers.slack_limits import find_problem

PATH = "/services/T00000000/B00000000/not-a-real-token"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What Slack answers to one request instead of checking it."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the answer."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def payload(self) -> dict[str, Any]:
        """The message."""
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


class SlackServer:
    """The webhook at `url`; `requests` are all that came in, `problems` what Slack would have refused."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self.answers: list[Answer] = []
        """Given to the next requests, first to first; without one a request is checked as Slack does."""
        self._http = LocalHttp(self._make_handler())
        self.url = f"{self._http.url}{PATH}"

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that arrived, refused ones too."""
        return [request.payload for request in self.requests]

    def reply_to(self, request: Request) -> Answer:
        """Return the answer to a request, by plan or by Slack's rules."""
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            time.sleep(answer.delay)
            return answer
        if request.path != PATH:
            return Answer(status=404, body="no_service")
        problem = find_problem(request.body)
        if problem is None:
            return Answer()
        self.problems.append(f"{problem.word}: {problem.reason}")
        return Answer(status=400, body=problem.word)

    def stop(self) -> None:
        """Close the webhook; a connection to it is refused from then on."""
        self._http.stop()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - the name that http.server calls
                body = self.read_body().decode("utf-8")
                answer = server.reply_to(
                    Request(path=self.path, headers=dict(self.headers), body=body)
                )
                self.send_answer(answer.status, answer.headers, "text/html", answer.body)

        return Handler
