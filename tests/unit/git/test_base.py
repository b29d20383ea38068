"""Which commit a checkout is compared with: pull requests, pushes, forced ones, and shallow clones of each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci_migrate.errors import GitError
from ci_migrate.git.base import Hints, find_base
from tests.projects_builder import Project, run_git

ZEROS = "0" * 40


def env() -> dict[str, str]:
    return dict(os.environ)


def git(folder: Path, *arguments: str) -> str:
    return run_git(Project(path=folder, situation=None), *arguments)


def add(folder: Path, name: str) -> str:
    """Commit a file and return the commit."""
    (folder / name).write_text(name, "utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", name)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """`main` with four commits; `topic` left it at the second; refs/pull/1/merge joins both."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for name in ("one", "two", "three", "four"):
        add(folder, name)
    git(folder, "checkout", "-q", "-b", "topic", "HEAD~2")
    add(folder, "topic-one")
    add(folder, "topic-two")
    git(folder, "checkout", "-q", "--detach", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    git(folder, "update-ref", "refs/pull/1/merge", "HEAD")
    git(folder, "checkout", "-q", "main")
    return folder


def checkout(origin: Path, ref: str, *, depth: int = 0) -> Path:
    """Return a checkout as the runner's action makes it, of one ref and as deep as it says."""
    folder = origin.parent / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "elsewhere")
    git(folder, "remote", "add", "origin", f"file://{origin}")
    if depth:
        git(folder, "fetch", "-q", "--no-tags", f"--depth={depth}", "origin", ref)
    else:
        git(
            folder, "fetch", "-q", "--no-tags", "origin", "+refs/heads/*:refs/remotes/origin/*", ref
        )
    git(folder, "checkout", "-q", "--detach", git(origin, "rev-parse", ref))
    return folder


def commit_of(folder: Path, hints: Hints) -> str:
    base = find_base(folder, env(), hints)
    assert base is not None
    return base.commit


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_pull_request_is_compared_with_the_base_that_was_merged(origin: Path, depth: int) -> None:
    folder = checkout(origin, "refs/pull/1/merge", depth=depth)
    merge = git(origin, "rev-parse", "refs/pull/1/merge")
    hints = Hints(merge_commit=merge, base_branch="main")
    assert commit_of(folder, hints) == git(origin, "rev-parse", "main")


def test_a_merge_of_the_branch_itself_is_not_taken_for_that_of_the_pull_request(
    origin: Path,
) -> None:
    git(origin, "checkout", "-q", "topic")
    git(origin, "merge", "-q", "--no-ff", "-m", "take over main", "main")
    folder = checkout(origin, "refs/heads/topic")
    # The first parent of this merge is the branch before it, with all that the branch did.
    hints = Hints(merge_commit=git(origin, "rev-parse", "refs/pull/1/merge"), base_branch="main")
    assert commit_of(folder, hints) == git(origin, "rev-parse", "main")


@pytest.mark.parametrize("depth", [0, 1])
def test_the_head_of_a_branch_is_compared_with_where_it_began(origin: Path, depth: int) -> None:
    folder = checkout(origin, "refs/heads/topic", depth=depth)
    began = git(origin, "rev-parse", "main~2")
    assert commit_of(folder, Hints(base_branch="main")) == began
    assert commit_of(folder, Hints(asked="origin/main")) == began
    # A new branch has no commit before its first push.
    assert commit_of(folder, Hints(base_commit=ZEROS, base_branch="main", branch="topic")) == began


@pytest.mark.parametrize("depth", [0, 1])
def test_a_push_is_compared_with_what_the_branch_was(origin: Path, depth: int) -> None:
    folder = checkout(origin, "refs/heads/main", depth=depth)
    before = git(origin, "rev-parse", "main~2")
    hints = Hints(base_commit=before, base_branch="main", branch="main")
    assert commit_of(folder, hints) == before


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_forced_push_is_compared_with_what_it_threw_away(origin: Path, is_kept: bool) -> None:
    before = git(origin, "rev-parse", "topic")
    git(origin, "checkout", "-q", "topic")
    git(origin, "reset", "-q", "--hard", "HEAD~2")
    add(origin, "another")
    git(origin, "update-ref", "-d", "refs/pull/1/merge")
    if not is_kept:
        git(origin, "reflog", "expire", "--expire=now", "--all")
        git(origin, "gc", "-q", "--prune=now")
    folder = checkout(origin, "refs/heads/topic", depth=1)
    hints = Hints(base_commit=before, base_branch="main", branch="topic")
    if is_kept:
        assert commit_of(folder, hints) == before
        return
    # It is for GitHub to tell it then; another commit would be a weaker comparison.
    with pytest.raises(GitError, match=f"git does not have {before[:12]} here"):
        find_base(folder, env(), hints)


def test_what_cannot_be_had_is_said_with_what_to_do(origin: Path) -> None:
    folder = checkout(origin, "refs/heads/topic", depth=1)
    git(folder, "remote", "set-url", "origin", "file:///nowhere")
    with pytest.raises(GitError, match="where this branch began") as caught:
        find_base(folder, env(), Hints(base_branch="main"))
    assert "fetch-depth: 0" in (caught.value.next_step or "")
    with pytest.raises(GitError, match="no commit '--exec=x'"):
        find_base(folder, env(), Hints(asked="--exec=x"))


def test_nothing_came_before_the_first_push_or_outside_of_git(tmp_path: Path) -> None:
    assert find_base(tmp_path, env(), Hints()) is None
    git(tmp_path, "init", "-q", "-b", "main")
    add(tmp_path, "one")
    assert find_base(tmp_path, env(), Hints()) is None
    first = Hints(base_commit=ZEROS, base_branch="main", branch="main")
    assert find_base(tmp_path, env(), first) is None
    assert git(tmp_path, "status", "--porcelain") == ""
