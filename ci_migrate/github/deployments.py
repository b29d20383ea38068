"""Deployments: what an environment executed, told to GitHub in a payload and asked from it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ci_migrate.errors import GitHubError
from ci_migrate.github.commands import cut
from ci_migrate.github.rest import GitHub, understood
from ci_migrate.redact import one_line

TASK = "ci-migrate"
"""Sets our deployments apart from those that GitHub makes for every job with an `environment`."""
LONGEST_DESCRIPTION = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment of ours."""

    id: int
    sha: str
    created_at: str
    payload: Mapping[str, Any]


def create_deployment(
    github: GitHub, *, environment: str, commit: str, description: str, payload: Mapping[str, Any]
) -> int:
    """Create a deployment of a commit and return its number; raises GitHubError.

    Nothing is merged, no check is waited for, and other deployments stay as they are.
    """
    created = github.post(
        "/deployments",
        {
            "ref": commit,
            "task": TASK,
            "environment": environment,
            "description": _short(description),
            "payload": dict(payload),
            # By default GitHub would merge the default branch into this one, and want every check green.
            "auto_merge": False,
            "required_contexts": [],
        },
    )
    if not isinstance(created, dict) or not isinstance(created.get("id"), int):
        raise GitHubError(f"GitHub made no deployment of {one_line(commit, 40)}")
    return int(created["id"])


def set_deployment_state(
    github: GitHub, number: int, *, state: str, description: str, log_url: str | None
) -> None:
    """Set the state of a deployment: `in_progress`, `success`, `failure` or `error`; raises GitHubError."""
    # Without auto_inactive: an earlier deployment is evidence of its own revisions and stays one.
    status: dict[str, Any] = {
        "state": state,
        "description": _short(description),
        "auto_inactive": False,
    }
    if log_url:
        status["log_url"] = log_url
    github.post(f"/deployments/{number}/statuses", status)


def iterate_deployments(github: GitHub, environment: str) -> Iterator[Deployment]:
    """Yield our deployments in an environment, the newest first; raises GitHubError."""
    found = github.iterate("/deployments", environment=environment, task=TASK)
    for item in found:
        with understood("a deployment"):
            deployment = _deployment(item)
        if deployment is not None:
            yield deployment


def read_deployment_state(github: GitHub, number: int) -> str | None:
    """Return the newest state of a deployment, None when none was set; raises GitHubError."""
    newest = next(github.iterate(f"/deployments/{number}/statuses"), None)
    with understood("the state of a deployment"):
        return str(newest["state"]) if newest else None


def _deployment(item: dict[str, Any]) -> Deployment | None:
    """Return a deployment as GitHub tells it; None for one whose payload is none of ours."""
    payload = item.get("payload")
    try:
        payload = json.loads(payload) if isinstance(payload, str) else payload
    except (ValueError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return None
    return Deployment(
        id=int(item["id"]),
        sha=str(item["sha"]),
        created_at=str(item["created_at"]),
        payload=payload,
    )


def _short(description: str) -> str:
    return cut(one_line(description), LONGEST_DESCRIPTION)
