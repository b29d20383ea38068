"""A local GitHub: keeps what it is told, and holds requests and its own answers to GitHub's description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.servers.github_openapi.description import (
    find_answer_problems,
    find_operation,
    find_request_problems,
)
from tests.servers.github_state import GitHubState, RefusalError
from tests.servers.local_http import LocalHttp, QuietHandler

PREFIX = "/api/v3"
"""As on an Enterprise Server; a client that does not take its base from GITHUB_API_URL gets nothing."""
TOKEN = "ghs_not-a-real-token-but-as-long-as-one"
NEEDS = {
    "compare": "contents",
    "contents": "contents",
    "deployments": "deployments",
    "pulls": "pull_requests",
    "statuses": "statuses",
    "actions": "actions",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What GitHub answers to one request instead of looking at it."""

    status: int
    body: str = '{"message": "Server Error"}'
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    """Below the base, without the query."""
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


class GitHubServer:
    """The API at `api_url`; `requests` are all that came in, `problems` what GitHub would not have taken or said."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self.answers: list[Answer] = []
        """Given to the next requests, first to first."""
        self.permissions = dict.fromkeys(NEEDS.values(), "write")
        """What the token may do; a name that is missing may not even be read."""
        self.outage: Answer | None = None
        """Given to every request while it is there."""
        self._http = LocalHttp(self._make_handler())
        self.api_url = f"{self._http.url}{PREFIX}"
        self.state = GitHubState(self.api_url)

    @property
    def env(self) -> dict[str, str]:
        """The variables that name this GitHub, its repository and a token."""
        return {
            "GITHUB_API_URL": self.api_url,
            "GITHUB_REPOSITORY": self.state.repository,
            "GITHUB_TOKEN": TOKEN,
        }

    def reply_to(self, request: Request) -> Answer:
        """Return the answer to a request, by plan, by the description, and by what was told before."""
        self.requests.append(request)
        if self.answers:
            return self.answers.pop(0)
        if self.outage:
            return self.outage
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer(status=401, body='{"message": "Bad credentials"}')
        if not request.headers.get("User-Agent", "").startswith("ci-migrate/"):
            self.problems.append("no User-Agent of ours")
        operation = find_operation(request.method, request.path)
        if operation is None:
            return Answer(status=404, body='{"message": "Not Found"}')
        if operation.values["repo"] != self.state.repository.partition("/")[2]:
            return Answer(status=404, body='{"message": "Not Found"}')
        if refused := self._forbid(request):
            return refused
        wrong = find_request_problems(operation, request.query, request.body)
        self.problems += [f"{request.method} {request.path}: {text}" for text in wrong]
        if wrong:
            return Answer(status=422, body=json.dumps({"message": "; ".join(wrong)}))
        try:
            status, body, headers = self.state.act(operation, request.query, request.body)
        except RefusalError as exc:
            return Answer(status=exc.status, body=json.dumps({"message": exc.message}))
        wrong = find_answer_problems(operation, status, body)
        self.problems += [f"answer to {request.method} {request.path}: {text}" for text in wrong]
        return Answer(status=status, body=json.dumps(body), headers=headers)

    def _forbid(self, request: Request) -> Answer | None:
        kind = (request.path.split("/") + [""] * 5)[4]
        needed = NEEDS.get(kind)
        level = "read" if request.method == "GET" else "write"
        if needed is None or self.permissions.get(needed) in {level, "write"}:
            return None
        return Answer(
            status=403,
            body='{"message": "Resource not accessible by integration"}',
            headers={"X-Accepted-GitHub-Permissions": f"{needed}={level}"},
        )

    def stop(self) -> None:
        """Close the server; a connection to it is refused from then on."""
        self._http.stop()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(QuietHandler):
            def answer(self) -> None:
                url = urlsplit(self.path)
                raw = self.read_body()
                request = Request(
                    method=self.command,
                    path=url.path.removeprefix(PREFIX)
                    if url.path.startswith(PREFIX)
                    else "/outside",
                    query=dict(parse_qsl(url.query)),
                    headers=dict(self.headers),
                    body=json.loads(raw) if raw else None,
                )
                answer = server.reply_to(request)
                self.send_answer(
                    answer.status, answer.headers, "application/json; charset=utf-8", answer.body
                )

            do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names that http.server calls

        return Handler
