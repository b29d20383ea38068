"""Which environment a run is for: pure, from what was asked, the GitHub event and git's branch."""

from __future__ import annotations

from dataclasses import dataclass

from ci_migrate.config.loaded import Config
from ci_migrate.config.select import environment_of_branch, list_globs, match_branch
from ci_migrate.errors import UsageError
from ci_migrate.github.event import GitHubEvent, why_not_deployable

NEVER_DEPLOYS = ("pull_request", "merge_group", "issue_comment")
"""Beginnings of the names of events that run code or words of strangers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen environment; None when this push is none of ours, and `reason` says why."""

    environment: str | None
    branch: str | None
    reason: str
    warning: str | None = None


def select_environment(
    config: Config,
    *,
    environment: str | None,
    branch: str | None,
    event: GitHubEvent | None,
    git_branch: str | None,
    no_branch: str = "",
    deploys: bool = True,
) -> Selection:
    """Choose by `environment`, else `branch`, else the pushed branch on GitHub, else git's branch.

    `no_branch` says why git has none. `deploys` is false for a command that only looks: it may name an
    environment in every event.
    Raises UsageError when what was asked for does not exist or must not deploy, and for a push whose
    payload cannot be read.
    """
    known = event.branch if event is not None else git_branch
    if environment is not None:
        _refuse_strangers(event, deploys=deploys)
        return _by_name(config, environment, branch or known)
    if branch is not None:
        _refuse_strangers(event, deploys=deploys)
        return _by_branch(config, branch, is_asked=True)
    if event is not None:
        _refuse_unread_push(event)
        reason = why_not_deployable(event)
        if reason:
            return Selection(environment=None, branch=event.branch, reason=reason)
    if known is None:
        raise UsageError(
            f"no environment was named, and {no_branch or 'git is on no branch here'}",
            next_step="Name one with --environment or --branch.",
        )
    return _by_branch(config, known, is_asked=event is None)


def _by_name(config: Config, name: str, branch: str | None) -> Selection:
    if name not in config.environments:
        names = ", ".join(config.environments)
        raise UsageError(
            f"there is no environment {name!r} in {config.path.name}",
            next_step=f"Environments are: {names}.",
        )
    globs = list_globs(config.environments[name].branches)
    warning = None
    if branch is not None and globs and not any(match_branch(branch, glob) for glob in globs):
        warning = f"branch {branch} is not one of the branches of {name} ({', '.join(globs)})"
    return Selection(environment=name, branch=branch, reason="asked for by name", warning=warning)


def _by_branch(config: Config, branch: str, *, is_asked: bool) -> Selection:
    name = environment_of_branch(config, branch)
    if name is None and is_asked:
        raise UsageError(
            f"no environment has the branch {branch!r}",
            next_step="Name one with --environment, or add the branch to an environment's `branches`.",
        )
    reason = f"branch {branch}" if name else f"no environment has the branch {branch}"
    return Selection(environment=name, branch=branch, reason=reason)


def _refuse_unread_push(event: GitHubEvent) -> None:
    """Raise for a push that may be one of ours: it must not end green without having been looked at."""
    if event.name == "push" and event.branch is not None and event.payload_problem:
        raise UsageError(
            f"it cannot be told whether this push deleted its branch: {event.payload_problem}",
            next_step="The runner names the payload in GITHUB_EVENT_PATH. In a container, mount that file at"
            " the same path; or name the environment with --environment.",
        )


def _refuse_strangers(event: GitHubEvent | None, *, deploys: bool) -> None:
    if event is None or not deploys:
        return
    if event.is_tag or event.name.startswith(NEVER_DEPLOYS):
        raise UsageError(
            f"a run for {event.name} on {event.ref} never deploys: {why_not_deployable(event)}",
            next_step="Promote on `push` to a branch or `workflow_dispatch`; use `ci-migrate plan` here.",
        )
