"""All open pull requests checked again when their base has moved, each with a commit status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ci_migrate.config.environment import Migrations
from ci_migrate.errors import GitError, GitHubError, ProjectError
from ci_migrate.git.fetch import fetch_each
from ci_migrate.git.program import read_git
from ci_migrate.git.tree import resolve_commit
from ci_migrate.github.commands import cut
from ci_migrate.github.pulls import (
    LONGEST_STATUS,
    PullRequest,
    iterate_pulls,
    set_commit_status,
)
from ci_migrate.github.rest import GitHub, understood
from ci_migrate.heads.explanation import Explanation
from ci_migrate.heads.look import MINE, explain_merge, find_readable
from ci_migrate.redact import one_line
from ci_migrate.revisions.project import Project

CONTEXT = "ci-migrate/heads"
"""The name under which the status stands on a commit."""
State = Literal["success", "failure", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a merge of one pull request would make of the history of its base."""

    number: int
    title: str
    url: str
    head_sha: str
    state: State
    description: str
    told: bool
    """Whether the status was set; False where the same one stands there, or GitHub refused."""
    problem: str = ""
    """Why GitHub did not take it."""


def watch_pulls(
    github: GitHub,
    migrations: Migrations,
    root: Path,
    env: Mapping[str, str],
    *,
    base: str,
    against: str = "HEAD",
    run_url: str | None,
) -> Iterator[Verdict]:
    """Check every open pull request into `base`; yield what was found.

    One that touches no revision file gets its green status, too: a rule of the branch would wait for it for ever.
    `against` is the commit of the base. Nothing of a pull request is checked out or run.
    Raises GitHubError when they cannot be listed, GitError when none can be fetched.
    """
    project = find_readable(migrations, root, env)
    pulls = tuple(iterate_pulls(github, base))
    server = env.get("GITHUB_SERVER_URL") or "https://github.com"
    refs = [f"refs/pull/{pull.number}/head" for pull in pulls]
    fetch_each(project.root, env, refs, server_url=server, token=github.token)
    for pull in pulls:
        state, description = _judge(project, migrations.heads, env, pull, against)
        yield _tell(github, pull, state, cut(one_line(description), LONGEST_STATUS), run_url)


def _judge(
    project: Project,
    intended: tuple[str, ...],
    env: Mapping[str, str],
    pull: PullRequest,
    against: str,
) -> tuple[State, str]:
    """Return state and description."""
    try:
        head = resolve_commit(project.root, env, pull.head_sha)
        if not _touches_revisions(project, env, against, head):
            return "success", "It touches no revision"
        found = explain_merge(project, intended, env, against, head)
    except ProjectError as exc:
        return "error", exc.message
    except GitError as exc:
        return "error", f"the merge with {pull.base_ref} cannot be evaluated: {exc.message}"
    return describe_merge(found, pull.base_ref)


def _touches_revisions(project: Project, env: Mapping[str, str], against: str, head: str) -> bool:
    folders = [str(folder) for folder in project.version_locations]
    return bool(
        read_git(project.root, env, "diff", "--name-only", f"{against}...{head}", "--", *folders)
    )


def describe_merge(found: Explanation, base: str) -> tuple[State, str]:
    """Return the state of a pull request and its reason in one sentence, the most important words first."""
    if found.conflicts:
        return "failure", f"A revision file conflicts with {base}: {found.conflicts[0]}"
    if found.problems:
        return "failure", f"After a merge into {base}: {found.problems[0].message}"
    new = [head.revision for head in found.heads if head.side == MINE]
    if found.stray and set(new) & set(found.stray):
        count, heads = len(found.heads), ", ".join(found.stray)
        return (
            "failure",
            f"{count} heads after a merge into {base}: {heads}. Merge {base}, then them.",
        )
    if found.stray:
        return "success", f"No head of its own; {base} itself has {len(found.heads)}"
    if len(found.heads) > 1:
        return "success", f"{len(found.heads)} heads after a merge into {base}, all of them meant"
    return "success", f"One head after a merge into {base}"


def _tell(
    github: GitHub, pull: PullRequest, state: State, description: str, run_url: str | None
) -> Verdict:
    told, problem = False, ""
    try:
        # GitHub keeps 1,000 statuses of a name for a commit: the same one again would use them up.
        if _current_status(github, pull.head_sha) != (state, description):
            set_commit_status(
                github,
                pull.head_sha,
                state=state,
                context=CONTEXT,
                description=description,
                target_url=run_url,
            )
            told = True
    except GitHubError as exc:
        problem = exc.message
    return Verdict(
        number=pull.number,
        title=pull.title,
        url=pull.url,
        head_sha=pull.head_sha,
        state=state,
        description=description,
        told=told,
        problem=problem,
    )


def _current_status(github: GitHub, sha: str) -> tuple[str, str] | None:
    for item in github.iterate(f"/commits/{sha}/statuses"):  # the newest first
        with understood("the status of a commit"):
            if item["context"] == CONTEXT:
                return str(item["state"]), str(item["description"])
    return None
