"""Merges that nobody made: what git says two commits would give, without a checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci_migrate.errors import GitError
from ci_migrate.git.merge import merge_files
from ci_migrate.git.tree import read_files, resolve_commit
from tests.projects_builder import Project, build_repository, commit, run_git

FOLDER = "migrations/versions"


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    """`main` and `feature`, one commit beyond their common ancestor each."""
    project = build_repository("linear", tmp_path / "shop", branches=("main", "feature"))
    write(project, f"{FOLDER}/aaa.py", "a", on="main")
    write(project, f"{FOLDER}/bé b.py", "b", on="feature")
    return project


@pytest.fixture(params=["newest git", "git before 2.38"])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The variables of a machine with this git, and with one that cannot merge trees."""
    if request.param == "newest git":
        return dict(os.environ)
    folder = tmp_path / "old"
    folder.mkdir()
    old = folder / "git"
    # As old ones answer: `usage: git merge-tree <base-tree> …`, exit code 129.
    old.write_text(
        '#!/bin/sh\ncase " $* " in *" merge-tree "*) echo "usage: git merge-tree" >&2; exit 129;; esac\n'
        f'PATH="{os.environ["PATH"]}" exec git "$@"\n'
    )
    old.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def write(project: Project, name: str, text: str, *, on: str) -> None:
    run_git(project, "checkout", "-q", on)
    (project.path / name).write_text(text)
    commit(project, f"write {name}")


def merge(project: Project, env: dict[str, str], root: Path | None = None):
    root = root or project.path
    ours, theirs = (resolve_commit(root, env, ref) for ref in ("main", "feature"))
    return merge_files(root, env, ours, theirs, [project.path / FOLDER])


def objects(project: Project) -> set[Path]:
    return set((project.path / ".git").rglob("*"))


def test_both_sides_are_there_and_nothing_is_written(
    repository: Project, env: dict[str, str]
) -> None:
    before = objects(repository)
    merged = merge(repository, env)
    assert merged.conflicts == ()
    assert (merged.files[f"{FOLDER}/aaa.py"], merged.files[f"{FOLDER}/bé b.py"]) == (b"a", b"b")
    kept = {path.name for path in (repository.path / FOLDER).glob("*.py")}
    assert kept <= {Path(path).name for path in merged.files}
    assert objects(repository) == before


def test_conflicts_elsewhere_do_not_matter(repository: Project, env: dict[str, str]) -> None:
    write(repository, "README", "one", on="main")
    write(repository, "README", "two", on="feature")
    merged = merge(repository, env)
    assert merged.conflicts == ()
    assert {f"{FOLDER}/aaa.py", f"{FOLDER}/bé b.py"} <= set(merged.files)


def test_a_revision_file_in_conflict_is_named_and_not_read(
    repository: Project, env: dict[str, str]
) -> None:
    write(repository, f"{FOLDER}/same.py", "one", on="main")
    write(repository, f"{FOLDER}/same.py", "two", on="feature")
    merged = merge(repository, env)
    assert merged.conflicts == (f"{FOLDER}/same.py",)
    assert f"{FOLDER}/same.py" not in merged.files


def test_a_file_deleted_on_one_side_is_gone(repository: Project, env: dict[str, str]) -> None:
    first = sorted((repository.path / FOLDER).glob("*.py"))[0].name
    run_git(repository, "checkout", "-q", "main")
    (repository.path / FOLDER / first).unlink()
    commit(repository, "delete")
    assert f"{FOLDER}/{first}" not in merge(repository, env).files


def test_a_project_in_a_subfolder(repository: Project, env: dict[str, str]) -> None:
    run_git(repository, "checkout", "-q", "main")
    merged = merge(repository, env, root=repository.path / "migrations")
    assert {"versions/aaa.py", "versions/bé b.py"} <= set(merged.files)


def test_a_shallow_clone_says_what_to_fetch(
    repository: Project, env: dict[str, str], tmp_path: Path
) -> None:
    clone = Project(path=tmp_path / "shallow", situation=repository.situation)
    options = ("--depth", "1", "--no-single-branch")
    run_git(repository, "clone", "-q", *options, repository.path.as_uri(), str(clone.path))
    run_git(clone, "checkout", "-q", "main")
    with pytest.raises(GitError, match="no common ancestor") as caught:
        merge(clone, env)
    assert "--unshallow" in (caught.value.next_step or "")


def test_a_ref_that_was_never_fetched(repository: Project) -> None:
    with pytest.raises(GitError, match="knows no commit 'origin/main'") as caught:
        resolve_commit(repository.path, os.environ, "origin/main")
    assert "git fetch origin main" in (caught.value.next_step or "")


def test_a_ref_is_never_an_option(repository: Project) -> None:
    with pytest.raises(GitError, match="knows no commit"):
        resolve_commit(repository.path, os.environ, "--version")


def test_a_folder_outside_of_the_repository(repository: Project, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="outside of the repository"):
        read_files(repository.path, os.environ, "HEAD", [tmp_path / "elsewhere"])


def test_a_tree_is_read_without_a_checkout(repository: Project) -> None:
    run_git(repository, "checkout", "-q", "main")
    files = read_files(repository.path, os.environ, "feature", [repository.path / FOLDER])
    assert files[f"{FOLDER}/bé b.py"] == b"b"
    assert f"{FOLDER}/aaa.py" not in files
