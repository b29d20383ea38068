"""Pull requests and the commit statuses that stand on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ci_migrate.errors import GitHubError
from ci_migrate.github.commands import cut
from ci_migrate.github.rest import GitHub, understood
from ci_migrate.redact import one_line

LONGEST_BODY = 65_000
"""Characters; GitHub takes 65,536."""
LONGEST_STATUS = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """An open pull request."""

    number: int
    title: str
    url: str
    head_sha: str
    base_ref: str


def iterate_pulls(github: GitHub, base: str) -> Iterator[PullRequest]:
    """Yield the open pull requests into a branch; raises GitHubError."""
    for item in github.iterate("/pulls", state="open", base=base):
        yield _pull(item)


def create_pull(github: GitHub, *, head: str, base: str, title: str, body: str) -> PullRequest:
    """Open a pull request from a pushed branch, or return the one that is open from it already.

    `body` is Markdown whose foreign text is escaped. Raises GitHubError.
    """
    request = {
        "head": head,
        "base": base,
        "title": one_line(title),
        "body": cut(body, LONGEST_BODY),
    }
    try:
        return _pull(github.post("/pulls", request))
    except GitHubError as exc:
        if exc.status != 422:
            raise
        owner = github.repository.partition("/")[0]
        query = {"state": "open", "base": base, "head": f"{owner}:{head}"}
        there = next(github.iterate("/pulls", **query), None)
        if there is None:
            raise
        return _pull(there)


def set_commit_status(
    github: GitHub,
    sha: str,
    *,
    state: Literal["error", "failure", "pending", "success"],
    context: str,
    description: str,
    target_url: str | None = None,
) -> None:
    """Set the status of a commit under a context of ours; the last one counts. Raises GitHubError."""
    status = {
        "state": state,
        "context": context,
        "description": cut(one_line(description), LONGEST_STATUS),
    }
    if target_url:
        status["target_url"] = target_url
    github.post(f"/statuses/{sha}", status)


def _pull(item: dict[str, Any]) -> PullRequest:
    with understood("a pull request"):
        return PullRequest(
            number=int(item["number"]),
            title=str(item["title"]),
            url=str(item["html_url"]),
            head_sha=str(item["head"]["sha"]),
            base_ref=str(item["base"]["ref"]),
        )
