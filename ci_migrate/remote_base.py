"""The commit before a branch or a push, asked of GitHub where a shallow checkout has it not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ci_migrate.base_history import Then, find_gone, is_revision_file, leave_out_foreign
from ci_migrate.errors import GitError, GitHubError
from ci_migrate.git.base import Base, Hints, is_commit, read_head, read_merged
from ci_migrate.git.tree import read_prefix, repository_path, shown_path
from ci_migrate.github.repository import MOST_FILES, compare_commits, read_file
from ci_migrate.github.rest import GitHub, open_github
from ci_migrate.revisions.project import Project
from ci_migrate.revisions.surroundings import Read, read_disk
from ci_migrate.survey import History, surroundings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteBase:
    """A commit to compare with, and what has changed since."""

    base: Base
    changed: frozenset[str]
    """Paths from the top of the repository; of a renamed file both."""


def ask_then(history: History, env: Mapping[str, str], hints: Hints) -> tuple[Then, Base] | None:
    """Return the revision files of the commit before, and which one that is, as GitHub tells them.

    Only files that have changed since are asked for. None when nobody says what came before. Raises GitHubError
    and GitError.
    """
    root = history.project.root
    github, prefix = open_github(env), read_prefix(root, env)
    found = _find_base(github, root, env, hints)
    return (_read_then(github, history, found, prefix), found.base) if found else None


def _find_base(
    github: GitHub, root: Path, env: Mapping[str, str], hints: Hints
) -> RemoteBase | None:
    head, before = read_head(root, env), hints.base_commit or ""
    if hints.asked:
        return _fork_point(github, hints.asked.removeprefix("origin/"), head)
    merged = read_merged(root, env, hints)
    if merged:
        how = f"the base of this pull request, {merged[:12]}, by GitHub's API"
        return _since(github, Base(commit=merged, how=how), head)
    if is_commit(before):
        how = f"what this branch was before, {before[:12]}, by GitHub's API"
        return _since(github, Base(commit=before, how=how), head)
    if hints.base_branch and hints.base_branch != hints.branch:
        return _fork_point(github, hints.base_branch, head)
    return None


def _since(github: GitHub, base: Base, head: str) -> RemoteBase:
    forth = _compare(github, base.commit, head)
    changed = forth[1]
    if forth[0] != base.commit:
        # A forced push: what the old tip alone has is seen from the other side.
        changed |= _compare(github, head, base.commit)[1]
    return RemoteBase(base=base, changed=changed)


def _fork_point(github: GitHub, ref: str, head: str) -> RemoteBase:
    commit, changed = _compare(github, ref, head)
    how = f"where this branch left {ref}, {commit[:12]}, by GitHub's API"
    return RemoteBase(base=Base(commit=commit, how=how), changed=changed)


def _compare(github: GitHub, base: str, head: str) -> tuple[str, frozenset[str]]:
    """Return the merge base, and the paths that `head` changed since."""
    found = compare_commits(github, base, head)
    if len(found.files) >= MOST_FILES:
        raise GitHubError(f"GitHub shows no more than {MOST_FILES} changed files")
    names = {name for file in found.files for name in (file.path, file.previous_path) if name}
    return found.merge_base, frozenset(names)


def _read_then(github: GitHub, history: History, found: RemoteBase, prefix: str) -> Then:
    project = history.project
    changed = {shown_path(path, prefix) for path in found.changed}
    read = _reader(github, project, found, prefix)
    revisions = {path for path in changed if is_revision_file(project, path)}
    here = {revision.file for revision in history.graph.revisions.values() if revision.file}
    gone = find_gone(project, changed)
    contents = {path: read(path) for path in sorted(revisions | here | gone)}
    files = {path: data for path, data in contents.items() if data is not None}
    return Then(
        files=leave_out_foreign(files, gone, history.graph),
        around=surroundings_of(project, read),
        code_changed=any(path.endswith(".py") for path in changed - revisions),
    )


def _reader(github: GitHub, project: Project, found: RemoteBase, prefix: str) -> Read:
    """Return a reader of files as the commit has them: what has not changed since is on the disk."""
    disk, known = read_disk(project.root), dict[str, "bytes | None"]()

    def read(path: str) -> bytes | None:
        whole = repository_path(path, prefix)
        if whole not in found.changed:
            return disk(path)
        if whole not in known:
            known[whole] = read_file(github, whole, found.base.commit)
        return known[whole]

    return read


def explain_silence(git: GitError, github: GitError | GitHubError) -> GitError:
    """Return why neither git nor GitHub tells the commit before, with the cure."""
    return GitError(
        f"{git.message}; and GitHub does not tell it: {github.message}",
        returncode=git.returncode,
        next_step="Give the checkout of this job its whole history:\n"
        "    - uses: actions/checkout@…\n"
        "      with:\n"
        "        fetch-depth: 0\n"
        "Elsewhere, run `git fetch --unshallow origin`.",
    )
