"""What GitHub says about the run: event, branch, commit, actor, links; and if it may deploy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST_PAYLOAD = 32 * 1024 * 1024
"""Bytes; GitHub itself sends at most 25 MB."""

_BRANCH_EVENTS = frozenset({"push", "workflow_dispatch"})
_MERGE_QUEUE = "gh-readonly-queue/"
_BEFORE = {"push": ("before",), "merge_group": ("merge_group", "base_sha")}
"""Where the payload of an event has the commit before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubEvent:
    """The event that started the workflow run, as the runner describes it."""

    name: str
    """`push`, `pull_request`, …; empty when the runner does not say."""
    ref: str
    branch: str | None
    """The pushed or chosen branch; None for every event where the ref is something else."""
    is_tag: bool
    deleted: bool
    """Whether the push deleted its branch; `ref` and `sha` may then be the default branch's."""
    sha: str | None
    actor: str | None
    """Who started this attempt; on a re-run not the author of the push."""
    run_url: str | None
    commit_url: str | None
    repository: str | None
    payload_problem: str | None = None
    """Why the event payload could not be read; None when it was read or none was announced."""
    before: str | None = None
    """The commit that a push replaced (zeros for a new branch), or the base of a merge group.

    The last head of a pull request, which its payload has under the same key, is no such commit: what that
    request did before it would pass as given.
    """
    base_branch: str | None = None
    """The branch that a pull request goes to."""
    default_branch: str | None = None
    is_public: bool = False
    """Whether the event says that everybody may read the repository."""


def read_event(env: Mapping[str, str]) -> GitHubEvent | None:
    """Read the runner's environment and its event payload; None outside of GitHub Actions."""
    if env.get("GITHUB_ACTIONS") != "true":
        return None
    name = env.get("GITHUB_EVENT_NAME", "")
    ref = env.get("GITHUB_REF", "")
    payload, problem = _read_payload(env.get("GITHUB_EVENT_PATH", ""))
    sha = env.get("GITHUB_SHA") or None
    home = _repository_url(env)
    return GitHubEvent(
        name=name,
        ref=ref,
        branch=_branch(ref) if name in _BRANCH_EVENTS else None,
        is_tag=ref.startswith("refs/tags/"),
        deleted=name == "push" and payload.get("deleted") is True,
        sha=sha,
        actor=env.get("GITHUB_TRIGGERING_ACTOR") or env.get("GITHUB_ACTOR") or None,
        run_url=_run_url(home, env),
        commit_url=f"{home}/commit/{sha}" if home and sha else None,
        repository=env.get("GITHUB_REPOSITORY") or None,
        payload_problem=problem,
        before=_text(payload, *_BEFORE[name]) if name in _BEFORE else None,
        base_branch=env.get("GITHUB_BASE_REF") or None,
        default_branch=_text(payload, "repository", "default_branch"),
        is_public=_is_public(payload),
    )


def why_not_deployable(event: GitHubEvent) -> str:
    """Return in one clause why the event must not change a database; empty when it may."""
    if event.name not in _BRANCH_EVENTS:
        return f"only push and workflow_dispatch deploy, not {event.name or 'an unnamed event'}"
    if event.is_tag:
        return f"{event.ref} is a tag, and only branches belong to environments"
    if event.deleted:
        return "the push deleted its branch"
    if event.branch is None:
        return f"{event.ref or 'an empty ref'} is not a branch"
    if event.branch.startswith(_MERGE_QUEUE):
        return f"{event.branch} is a temporary branch of the merge queue"
    if event.name == "push" and event.payload_problem:
        # A deletion can carry the default branch as its ref, and only the payload tells them apart.
        return f"{event.payload_problem}, so it cannot be told whether the push deleted its branch"
    return ""


def _text(payload: Mapping[str, object], *keys: str) -> str | None:
    """Return a text somewhere in the payload; None when there is none."""
    found: object = payload
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) and found else None


def _is_public(payload: Mapping[str, object]) -> bool:
    repository = payload.get("repository")
    return isinstance(repository, Mapping) and repository.get("private") is False


def _branch(ref: str) -> str | None:
    return ref.removeprefix("refs/heads/") or None if ref.startswith("refs/heads/") else None


def _repository_url(env: Mapping[str, str]) -> str | None:
    repository = env.get("GITHUB_REPOSITORY")
    server = env.get("GITHUB_SERVER_URL") or "https://github.com"
    return f"{server.rstrip('/')}/{repository}" if repository else None


def _run_url(home: str | None, env: Mapping[str, str]) -> str | None:
    run_id = env.get("GITHUB_RUN_ID")
    if not home or not run_id:
        return None
    attempt = env.get("GITHUB_RUN_ATTEMPT")
    return f"{home}/actions/runs/{run_id}" + (f"/attempts/{attempt}" if attempt else "")


def _read_payload(path: str) -> tuple[Mapping[str, object], str | None]:
    """Return the payload and None, or an empty one and the reason in one clause."""
    if not path:
        return {}, None
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST_PAYLOAD + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        return {}, f"the event payload {path!r} cannot be read ({reason})"
    if len(raw) > LARGEST_PAYLOAD:
        return {}, f"the event payload {path!r} is larger than {LARGEST_PAYLOAD} bytes"
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        return {}, f"the event payload {path!r} is not JSON"
    if not isinstance(payload, dict):
        return {}, f"the event payload {path!r} is not a JSON object"
    return payload, None
