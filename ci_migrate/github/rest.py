"""GitHub's REST API: one repository, one token, answers as JSON and refusals in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

from ci_migrate import __version__
from ci_migrate.errors import GitHubError, NoAnswerError
from ci_migrate.http_client import Answer, ask_api
from ci_migrate.redact import one_line

API_URL = "https://api.github.com"
ACTION_TOKEN = "CI_MIGRATE_GITHUB_TOKEN"  # noqa: S105 - the name of a variable
"""The variable of the action's input `github-token`."""
TOKEN_VARIABLES = (ACTION_TOKEN, "GITHUB_TOKEN")
MOST_PAGES = 30
PER_PAGE = 100
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="next"')
_REDIRECTS = {301, 302, 307, 308}


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """A repository at GitHub or on a GitHub Enterprise Server, as its REST API shows it."""

    api_url: str
    """Without a slash at the end; `https://HOST/api/v3` on an Enterprise Server."""
    repository: str
    """`owner/name`."""
    token: str = field(repr=False)

    def get(self, path: str, **query: str | int) -> Any:
        """Return what is at a path below the repository, such as `/compare/a...b`.

        Raises GitHubError, with the HTTP status where there is one.
        """
        return _decode(self._send("GET", self._url(path, query)))

    def iterate(self, path: str, key: str | None = None, **query: str | int) -> Iterator[Any]:
        """Yield the elements of a list, page by page, up to 3,000; `key` is where an answer holds it."""
        url: str | None = self._url(path, {**query, "per_page": PER_PAGE})
        for _ in range(MOST_PAGES):
            if url is None:
                return
            answer = self._send("GET", url)
            found = _decode(answer)
            elements = found.get(key) if key and isinstance(found, dict) else found
            if not isinstance(elements, list):
                raise GitHubError(f"GitHub did not answer {path} with a list")
            yield from elements
            url = self._next_page(answer)

    def post(self, path: str, payload: dict[str, Any]) -> Any:
        """Create something below the repository and return it; raises GitHubError."""
        return _decode(self._send("POST", self._url(path, {}), payload))

    def _url(self, path: str, query: Mapping[str, str | int]) -> str:
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.api_url}/repos/{quote(self.repository)}{path}{asked}"

    def _send(self, method: str, url: str, payload: dict[str, Any] | None = None) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "User-Agent": f"ci-migrate/{__version__}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        for _ in range(3):
            try:
                answer = ask_api(method, url, headers=headers, payload=payload)
            except NoAnswerError as exc:
                raise GitHubError(
                    f"GitHub's API at {self.api_url} cannot be asked: {exc.message}",
                    next_step="Look at githubstatus.com, and at proxy and firewall of the runner; then run"
                    " this again.",
                ) from None
            if answer.status not in _REDIRECTS:
                break
            # A repository that was renamed; only the same server may get the token.
            url = self._own(answer.headers.get("location", "")) or ""
            if not url:
                raise GitHubError("GitHub's API leads to another server", status=answer.status)
        if answer.status >= 300:
            raise _refusal(self, method, answer)
        return answer

    def _next_page(self, answer: Answer) -> str | None:
        found = _NEXT.search(answer.headers.get("link", ""))
        return self._own(found[1]) if found else None

    def _own(self, url: str) -> str | None:
        """Return a URL if it belongs to this API."""
        return url if url.startswith(f"{self.api_url}/") else None


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Take an answer apart in the body; one of another form than GitHub's raises GitHubError."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as exc:
        raise GitHubError(
            f"GitHub's API told of {what} in a form that is not known; something stands between"
        ) from exc


def open_github(env: Mapping[str, str]) -> GitHub:
    """Return the repository of this run, from the runner's variables.

    Raises GitHubError when the variables name no repository or hold no token.
    """
    repository = env.get("GITHUB_REPOSITORY", "")
    token = next((env[name] for name in TOKEN_VARIABLES if env.get(name)), "")
    if repository.count("/") != 1 or not token:
        missing = "GITHUB_TOKEN" if repository else "GITHUB_REPOSITORY"
        raise GitHubError(
            f"GitHub cannot be asked: {missing} is not set",
            next_step="In the action, the input github-token has it. Elsewhere set GITHUB_REPOSITORY to"
            " owner/name and GITHUB_TOKEN to a token of it.",
        )
    api_url = (env.get("GITHUB_API_URL") or API_URL).rstrip("/")
    return GitHub(api_url=api_url, repository=repository, token=token)


def tokens_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the tokens in the variables; they are secrets."""
    return tuple(env[name] for name in TOKEN_VARIABLES if env.get(name))


def _decode(answer: Answer) -> Any:
    try:
        return json.loads(answer.text) if answer.text else None
    except (ValueError, RecursionError):
        raise GitHubError(
            f"GitHub's API answered HTTP {answer.status} without JSON; something stands between",
            status=answer.status,
        ) from None


def _refusal(github: GitHub, method: str, answer: Answer) -> GitHubError:
    """Return a refusal in words: what GitHub said, and what helps."""
    said, status = _said(answer), answer.status
    asked = f"{method} of {github.repository}"
    if wait := _limited_until(answer):
        return GitHubError(
            f"GitHub's rate limit is used up ({said})",
            next_step=f"Run this again {wait}.",
            status=status,
        )
    if status >= 500:
        text, step = (
            f"GitHub is in trouble: HTTP {status}",
            "Look at githubstatus.com; run this again.",
        )
    elif status == 401:
        text, step = (
            f"GitHub does not know the token ({said})",
            "Give this job a token that is valid.",
        )
    elif status == 403:
        needed = answer.headers.get("x-accepted-github-permissions", "")
        text = f"the token may not do this on {github.repository} ({said})"
        step = _permission_step(needed)
    elif status == 404:
        text = f"{github.repository} has no such thing, or the token may not see it ({said})"
        step = _permission_step(answer.headers.get("x-accepted-github-permissions", ""))
    else:
        text, step = f"GitHub refused the {asked}: HTTP {status}, {said}", None
    return GitHubError(text, next_step=step, status=status)


def _permission_step(needed: str) -> str:
    if not re.fullmatch(r"[a-z_]+=[a-z]+(?:[,;] ?[a-z_]+=[a-z]+)*", needed):
        return "Look at the `permissions` of the job and at GITHUB_REPOSITORY."
    words = re.split("[,;] ?", needed)
    lines = "\n".join(
        f"  {w.partition('=')[0].replace('_', '-')}: {w.partition('=')[2]}" for w in words
    )
    return f"Give the job of the workflow:\npermissions:\n{lines}"


def _limited_until(answer: Answer) -> str:
    """Return when to come again, if a rate limit is why this was refused."""
    if answer.status not in {403, 429}:
        return ""
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return f"in {after} seconds"
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        at = datetime.fromtimestamp(min(int(reset), 2**33), timezone.utc)
        return f"after {at:%Y-%m-%d %H:%M:%S} UTC"
    return "in a minute" if answer.status == 429 else ""


def _said(answer: Answer) -> str:
    """Return GitHub's own words for a refusal, as one line."""
    try:
        found = json.loads(answer.text)
    except (ValueError, RecursionError):
        return f"HTTP {answer.status}"
    if not isinstance(found, dict):
        return f"HTTP {answer.status}"
    errors = found.get("errors")
    details = [_detail(error) for error in errors] if isinstance(errors, list) else []
    return one_line("; ".join([str(found.get("message", "")), *filter(None, details)]), 300)


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    return str(error.get("message") or f"{error.get('field', '')} {error.get('code', '')}").strip()
