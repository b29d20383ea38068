"""What GitHub knows of a repository: a comparison of commits, a file of one, the reviews of a run."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ci_migrate.errors import GitHubError
from ci_migrate.github.rest import GitHub, understood

MOST_FILES = 300
"""Files of a comparison that GitHub shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A file that a range of commits changes."""

    path: str
    status: str
    """`added`, `modified`, `removed`, `renamed`, `copied`, `changed` or `unchanged`."""
    previous_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the commits on a head changed since they left a base."""

    merge_base: str
    """Full id of the commit."""
    files: tuple[ChangedFile, ...]
    """At most `MOST_FILES`, which is all that GitHub shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review of a run that waited for an environment."""

    state: str
    """`approved`, `rejected` or `pending`."""
    login: str
    environments: tuple[str, ...]


def compare_commits(github: GitHub, base: str, head: str) -> Comparison:
    """Return what `head` changed since its merge base with `base`; raises GitHubError."""
    found = github.get(f"/compare/{quote(base, safe='')}...{quote(head, safe='')}")
    with understood("a comparison"):
        return Comparison(
            merge_base=str(found["merge_base_commit"]["sha"]),
            files=tuple(_changed_file(item) for item in found.get("files", ())),
        )


def _changed_file(item: dict[str, Any]) -> ChangedFile:
    return ChangedFile(
        path=str(item["filename"]),
        status=str(item["status"]),
        previous_path=item.get("previous_filename"),
    )


def read_file(github: GitHub, path: str, commit: str) -> bytes | None:
    """Return a file as a commit has it; None when it has none, or something else of that name.

    Raises GitHubError, also for a file of more than 1 MB, whose content GitHub does not tell here.
    """
    try:
        found = github.get(f"/contents/{quote(path)}", ref=commit)
    except GitHubError as exc:
        if exc.status == 404:
            return None
        raise
    if not isinstance(found, dict) or found.get("type") != "file":
        return None
    if found.get("encoding") != "base64":
        raise GitHubError(f"GitHub does not tell the content of {path}")
    try:
        return base64.b64decode(str(found.get("content", "")))
    except binascii.Error:
        raise GitHubError(f"GitHub did not tell the content of {path} in base64") from None


def read_reviews(github: GitHub, run_id: str) -> tuple[Review, ...]:
    """Return the reviews that a workflow run had for its environments; raises GitHubError."""
    found = github.get(f"/actions/runs/{quote(run_id, safe='')}/approvals")
    with understood("a review"):
        return tuple(
            Review(
                state=str(item["state"]),
                login=str(item["user"]["login"]),
                environments=tuple(str(each.get("name", "")) for each in item["environments"]),
            )
            for item in found
        )
