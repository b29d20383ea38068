"""After a rollback the database is behind the code: how the code is taken back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ci_migrate.config.environment import Environment
from ci_migrate.config.select import is_literal
from ci_migrate.git.way_back import (
    count_commits_since,
    has_origin,
    last_commit_without,
    push_files_of,
)
from ci_migrate.github.pulls import create_pull
from ci_migrate.github.rest import open_github, tokens_of
from ci_migrate.models import PendingRevision
from ci_migrate.report.markdown import escape
from ci_migrate.words import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeWay:
    """The way of a branch back to its files without a revision."""

    revision: str
    branch: str
    """Of the environment."""
    commit: str
    """The last one of the branch without the revision."""

    @property
    def name(self) -> str:
        """The name of the branch that leads back."""
        return f"rollback-{self.revision}"


def find_code_way(
    environment: Environment, env: Mapping[str, str], taken: PendingRevision
) -> CodeWay | None:
    """Return the way back; None where git does not know it, or the environment has no one branch."""
    commit = last_commit_without(environment.root, env, taken.file) if taken.file else None
    branch = next((name for name in environment.branches if is_literal(name)), None)
    if commit is None or branch is None:
        return None
    return CodeWay(revision=taken.revision, branch=branch, commit=commit)


def describe_code_way(
    environment: Environment, env: Mapping[str, str], taken: PendingRevision
) -> str:
    """Return what holds now, and the git commands for the branch of the environment."""
    # Where environments before this one ran it, a corrected file gets no further than the first of them.
    mend = (
        "mend it by a new revision, which comes here together with it by promote --reapply,"
        if environment.promote_from
        else "correct the file and push,"
    )
    held = (
        f"{environment.name} is without {taken.revision}, but its branch still has it. The revision is held:"
        f" promote blocks on it until its file has changed. Either {mend} or take the code back"
    )
    way = find_code_way(environment, env, taken)
    if way is None:
        return f"{held}: git revert the commit that brought {taken.file or taken.revision}."
    count = count_commits_since(environment.root, env, way.commit)
    since = f"{counted(count, 'commit')} of {way.branch}" if count else way.branch
    commands = "".join(f"\n    {line}" for line in _commands(environment, env, way))
    return f"{held}:{commands}\nThis takes back {since} since {way.commit[:12]}, the last one without the revision."


def open_code_pull(
    environment: Environment, env: Mapping[str, str], way: CodeWay, run_url: str | None
) -> str:
    """Push the branch that leads back, open its pull request, and return the address of that.

    Raises GitError and GitHubError.
    """
    title = f"Take back {way.revision}, which was rolled back in {environment.name}"
    tokens = tokens_of(env)
    push_files_of(
        environment.root,
        env,
        commit=way.commit,
        branch=way.branch,
        name=way.name,
        message=title,
        token=tokens[0] if tokens else None,
    )
    body = (
        f"The revision {escape(way.revision)} was rolled back in {escape(environment.name)}. This brings"
        f" {escape(way.branch)} back to the files of {way.commit}, the last commit without it: everything that"
        " came after that commit is taken back, too."
        + (f"\n\n[The run that rolled it back]({run_url})" if run_url else "")
    )
    return create_pull(open_github(env), head=way.name, base=way.branch, title=title, body=body).url


def _commands(environment: Environment, env: Mapping[str, str], way: CodeWay) -> Iterator[str]:
    branch, name = shlex.quote(way.branch), shlex.quote(way.name)
    message = shlex.quote(f"Take back {way.revision}")
    origin = has_origin(environment.root, env)
    if origin:
        yield f"git fetch origin {branch}"
    yield f"git switch --create {name} {way.commit}"
    # The old files, with the branch as their past: only so does a merge bring them back.
    base = shlex.quote(f"origin/{way.branch}") if origin else branch
    yield f"git merge --strategy ours --message {message} {base}"
    if origin:
        yield f"git push --set-upstream origin {name}    # then a pull request from it into {branch}"
    else:
        yield f"git switch {branch}"
        yield f"git merge --ff-only {name}"
