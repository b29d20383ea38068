"""A revision file that is in no work tree any more, found by its id."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci_migrate.errors import GitError
from ci_migrate.git.search import find_lost_files
from tests.projects_builder import Project, build_repository, commit, run_git
from tests.projects_changes import add_revision, delete_revision

REVISION = "aaaaaaaaaa01"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return build_repository("linear", tmp_path / "shop", branches=("main",))


def find(project: Project) -> list[str]:
    return [
        f"{found.path} {found.author}"
        for found in find_lost_files(project.path, os.environ, REVISION)
        if f"revision = '{REVISION}'".encode() in found.content
    ]


def test_a_file_that_was_deleted(project: Project) -> None:
    add_revision(project, REVISION)
    commit(project, "add")
    delete_revision(project, REVISION)
    commit(project, "delete")
    assert find(project) == [f"migrations/versions/{REVISION}_added.py tests"]


def test_a_file_on_another_branch_only(project: Project) -> None:
    run_git(project, "checkout", "-q", "-b", "feature")
    add_revision(project, REVISION)
    commit(project, "add")
    run_git(project, "checkout", "-q", "main")
    assert len(find(project)) == 1


def test_a_file_of_a_branch_that_was_reset(project: Project) -> None:
    add_revision(project, REVISION)
    commit(project, "add")
    run_git(project, "reset", "-q", "--hard", "HEAD~1")
    assert len(find(project)) == 1


def test_the_newest_version_comes_first(project: Project) -> None:
    file = add_revision(project, REVISION)
    commit(project, "add")
    file.write_text(f"{file.read_text()}# new")
    commit(project, "change")
    found = list(find_lost_files(project.path, os.environ, REVISION))
    assert [b"# new" in item.content for item in found] == [True, False]


def test_nothing_found_and_no_repository(project: Project, tmp_path: Path) -> None:
    assert find(project) == []
    with pytest.raises(GitError):
        list(find_lost_files(tmp_path, os.environ, REVISION))
