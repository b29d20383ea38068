"""After a rollback the database is behind the code: how the code is taken back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from ci_migrate.config.environment import Environment
from ci_migrate.config.select import is_literal
from ci_migrate.errors import GitError, ProjectError
from ci_migrate.git.tree import read_files
from ci_migrate.git.way_back import (
    commits_before_changes,
    count_commits_since,
    find_tip,
    has_file,
    has_origin,
    push_tree,
    tree_of,
    tree_without,
)
from ci_migrate.github.pulls import create_pull
from ci_migrate.github.rest import open_github, tokens_of
from ci_migrate.heads.look import read_graph
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.report.markdown import escape
from ci_migrate.rollback.last_revision import Found
from ci_migrate.survey import History
from ci_migrate.words import counted

MOST_COMMITS = 200
"""States of a branch that are looked at, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeWay:
    """The way of a branch back to its files without a revision."""

    revision: str
    branch: str
    """Of the environment."""
    commit: str
    """The last one of the branch without the revision and with all that the database has; empty for none."""
    file: str
    """Of the revision: where there is no such commit, it alone goes."""

    @property
    def name(self) -> str:
        """The name of the branch that leads back."""
        return f"rollback-{self.revision}"


def find_code_way(
    environment: Environment, env: Mapping[str, str], history: History, found: Found
) -> CodeWay | None:
    """Return the way back; None where git does not know the file, or the environment has no one branch."""
    taken, root = found.pending, environment.root
    branch = next((name for name in environment.branches if is_literal(name)), None)
    if branch is None or not taken.file or not has_file(root, env, taken.file):
        return None
    commit = _find_commit(env, history, taken, found.plan.target)
    return CodeWay(revision=taken.revision, branch=branch, commit=commit, file=taken.file)


def _find_commit(
    env: Mapping[str, str], history: History, taken: PendingRevision, target: tuple[str, ...]
) -> str:
    """Return the newest commit without a revision, when it has all that the database has; else empty.

    By their ids: a file may have had another name, and others may have come by the same merge.
    """
    project, needed = history.project, history.graph.ancestors(target)
    root, folders = project.root, project.version_locations
    try:
        for commit in islice(commits_before_changes(root, env, folders), MOST_COMMITS):
            graph = read_graph(project, read_files(root, env, commit, folders)).graph
            if taken.revision not in graph.revisions:
                return commit if needed <= graph.revisions.keys() else ""
    except (GitError, ProjectError):
        return ""  # a shallow checkout, or files of that time that only running them would tell
    return ""


def describe_code_way(
    environment: Environment, env: Mapping[str, str], history: History, found: Found
) -> str:
    """Return what holds now, and the git commands for the branch of the environment."""
    taken = found.pending
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
    way = find_code_way(environment, env, history, found)
    if way is None:
        return f"{held}: git revert the commit that brought {taken.file or taken.revision}."
    commands = "".join(f"\n    {line}" for line in _commands(environment, env, way))
    return f"{held}:{commands}\n{_what_goes(environment, env, way)}"


def _what_goes(environment: Environment, env: Mapping[str, str], way: CodeWay) -> str:
    if not way.commit:
        return (
            f"This removes the file only: no earlier state of {way.branch} is without the revision and has all that the"
            " database has. Take back by hand what else came with it, such as models."
        )
    count = count_commits_since(environment.root, env, way.commit)
    since = f"{counted(count, 'commit')} of {way.branch}" if count else way.branch
    return f"This takes back {since} since {way.commit[:12]}, the last one without the revision."


def open_code_pull(
    environment: Environment, env: Mapping[str, str], way: CodeWay, run_url: str | None
) -> str:
    """Push the branch that leads back, open its pull request, and return the address of that.

    Raises GitError and GitHubError.
    """
    title = f"Take back {way.revision}, which was rolled back in {environment.name}"
    tokens = tokens_of(env)
    root, parent = environment.root, find_tip(environment.root, env, way.branch)
    push_tree(
        root,
        env,
        tree=tree_of(root, env, way.commit)
        if way.commit
        else tree_without(root, env, parent, way.file),
        parent=parent,
        name=way.name,
        message=title,
        token=tokens[0] if tokens else None,
    )
    body = (
        f"The revision {escape(way.revision)} was rolled back in {escape(environment.name)}."
        f" {_describe_pull(way)}"
        + (f"\n\n[The run that rolled it back]({run_url})" if run_url else "")
    )
    return create_pull(open_github(env), head=way.name, base=way.branch, title=title, body=body).url


def _describe_pull(way: CodeWay) -> str:
    if not way.commit:
        return (
            f"This removes its file from {escape(way.branch)}. What else came with it, such as models, is still there:"
            " no earlier state of the branch has all that the database has."
        )
    return (
        f"This brings {escape(way.branch)} back to the files of {way.commit}, the last commit without it: everything"
        " that came after that commit is taken back, too."
    )


def _commands(environment: Environment, env: Mapping[str, str], way: CodeWay) -> Iterator[str]:
    branch, name = shlex.quote(way.branch), shlex.quote(way.name)
    message = shlex.quote(f"Take back {way.revision}")
    origin = has_origin(environment.root, env)
    if origin:
        yield f"git fetch origin {branch}"
    base = shlex.quote(f"origin/{way.branch}") if origin else branch
    if way.commit:
        yield f"git switch --create {name} {way.commit}"
        # The old files, with the branch as their past: only so does a merge bring them back.
        yield f"git merge --strategy ours --message {message} {base}"
    else:
        yield f"git switch --create {name} {base}"
        yield f"git rm {shlex.quote(way.file)}"
        yield f"git commit --message {message}"
    if origin:
        yield f"git push --set-upstream origin {name}    # then a pull request from it into {branch}"
    else:
        yield f"git switch {branch}"
        yield f"git merge --ff-only {name}"
