"""Commits of a remote brought into the repository, without a ref, a branch or a checkout."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from ci_migrate.errors import GitError
from ci_migrate.git.program import read_git

FETCH_SECONDS = 300.0


def fetch_refs(
    root: Path, env: Mapping[str, str], refs: Sequence[str], *, server_url: str, token: str | None
) -> None:
    """Fetch the commits of some refs of `origin`; no ref of this repository changes.

    `token` is for `server_url` only, and is on no command line and in no file. Raises GitError.
    """
    if not refs:
        return
    signed = {**env, **show_token(env, server_url, token)}
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no")
    read_git(root, signed, "fetch", *options, "origin", *refs, timeout=FETCH_SECONDS)


def fetch_each(
    root: Path, env: Mapping[str, str], refs: Sequence[str], *, server_url: str, token: str | None
) -> None:
    """Fetch all refs together, or, when one of them is not to be had, all others.

    What is missing afterwards is found when it is looked for.
    """
    try:
        fetch_refs(root, env, refs, server_url=server_url, token=token)
    except GitError:
        failures = [_fetch_one(root, env, ref, server_url, token) for ref in refs]
        if failures and all(failures):
            raise


def _fetch_one(
    root: Path, env: Mapping[str, str], ref: str, server_url: str, token: str | None
) -> GitError | None:
    try:
        fetch_refs(root, env, (ref,), server_url=server_url, token=token)
    except GitError as exc:
        return exc
    return None


def show_token(env: Mapping[str, str], server_url: str, token: str | None) -> dict[str, str]:
    """Return git settings, as variables, that show a token to one server, and only by HTTPS."""
    if not token or not server_url.startswith("https://"):
        return {}
    number = int(env.get("GIT_CONFIG_COUNT") or 0)
    login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    key = f"http.{server_url.rstrip('/')}/.extraheader"
    return {
        "GIT_CONFIG_COUNT": str(number + 2),
        # An empty one first: a login that the checkout has left behind would be sent, too.
        f"GIT_CONFIG_KEY_{number}": key,
        f"GIT_CONFIG_VALUE_{number}": "",
        f"GIT_CONFIG_KEY_{number + 1}": key,
        f"GIT_CONFIG_VALUE_{number + 1}": f"AUTHORIZATION: basic {login}",
    }
