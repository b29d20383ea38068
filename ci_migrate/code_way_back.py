"""After a rollback the database is behind the code: the commands that take the code back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from ci_migrate.config.environment import Environment
from ci_migrate.config.select import is_literal
from ci_migrate.git.way_back import count_commits_since, has_origin, last_commit_without
from ci_migrate.models import PendingRevision


def describe_code_way_back(
    environment: Environment, env: Mapping[str, str], taken: PendingRevision
) -> str:
    """Return what holds now, and the git commands for the branch of the environment."""
    held = (
        f"{environment.name} is without {taken.revision}, but its branch still has it. The revision is held:"
        " promote blocks on it until its file has changed. Either correct the file and push, or take the code"
        " back"
    )
    commands = _commands(environment, env, taken)
    if not commands:
        return f"{held}: git revert the commit that brought {taken.file or taken.revision}."
    return f"{held}:\n{commands}"


def _commands(
    environment: Environment, env: Mapping[str, str], taken: PendingRevision
) -> str | None:
    root = environment.root
    commit = last_commit_without(root, env, taken.file) if taken.file else None
    branch = next((name for name in environment.branches if is_literal(name)), None)
    if commit is None or branch is None:
        return None
    origin = has_origin(root, env)
    base = shlex.quote(f"origin/{branch}" if origin else branch)
    new = shlex.quote(f"rollback-{taken.revision}")
    message = shlex.quote(f"Take back {taken.revision}")
    lines = [f"git fetch origin {shlex.quote(branch)}"] if origin else []
    lines += [
        f"git switch --create {new} {commit}",
        # The old files, with the branch as their past: only so does a merge bring them back.
        f"git merge --strategy ours --message {message} {base}",
    ]
    if origin:
        lines.append(f"git push --set-upstream origin {new}")
        end = f"then open a pull request from {new} into {shlex.quote(branch)}. "
    else:
        lines += [f"git switch {shlex.quote(branch)}", f"git merge --ff-only {new}"]
        end = ""
    count = count_commits_since(root, env, commit)
    since = f"{count} commits of {branch}" if count else f"what {branch} has"
    text = "\n".join(f"    {line}" for line in lines)
    return f"{text}\n{end}This takes back {since} since {commit[:12]}, the last one without the revision."
