"""What git says about real repositories, and nothing where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci_migrate.git import checkout
from ci_migrate.git.origin import describe_origin
from tests.projects_builder import Project, build_repository, find_revision, run_git


@pytest.fixture
def repository(tmp_path: Path) -> Project:
    return build_repository("linear", tmp_path / "shop", branches=("main", "dev"))


def env() -> dict[str, str]:
    return dict(os.environ)


def test_branch_commit_and_user(repository: Project) -> None:
    run_git(repository, "config", "user.name", "Ada L.")
    assert checkout.current_branch(repository.path, env()) == "main"
    assert checkout.current_commit(repository.path, env()) == run_git(
        repository, "rev-parse", "HEAD"
    )
    assert checkout.user_name(repository.path, env()) == "Ada L."


def test_a_branch_with_a_slash(repository: Project) -> None:
    run_git(repository, "checkout", "-q", "-b", "feature/-x")
    assert checkout.current_branch(repository.path, env()) == "feature/-x"


def test_a_detached_head_is_on_no_branch(repository: Project) -> None:
    run_git(repository, "checkout", "-q", "--detach")
    assert checkout.current_branch(repository.path, env()) is None
    assert "detached" in checkout.why_no_branch(repository.path, env())


def test_why_there_is_no_branch_is_told_apart(repository: Project, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    assert "in no git repository" in checkout.why_no_branch(tmp_path / "bare", env())
    without = {**env(), "PATH": str(tmp_path / "bare")}
    assert "not installed" in checkout.why_no_branch(repository.path, without)
    assert checkout.current_commit(repository.path, env()) is not None


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    project = Project(path=tmp_path, situation=None)
    run_git(project, "init", "-q", "-b", "main")
    assert checkout.current_branch(tmp_path, env()) == "main"
    assert checkout.current_commit(tmp_path, env()) is None


def test_who_added_a_file(repository: Project) -> None:
    file = find_revision(repository, repository.situation.heads[0])
    told = describe_origin(repository.path, env(), str(file.relative_to(repository.path)))
    assert told is not None
    assert told.startswith("added by tests on 2")


@pytest.mark.parametrize("name", ["-n.py", "--output=x", ":(top)x.py", "a b.py", "é.py"])
def test_a_file_is_never_an_option(name: str, repository: Project) -> None:
    (repository.path / name).write_text("", encoding="utf-8")
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "-q", "-m", "add")
    told = describe_origin(repository.path, env(), name)
    assert told is not None
    assert told.startswith("added by tests on 2")
    assert not (repository.path / "x").exists()


def test_a_file_that_git_does_not_know(repository: Project) -> None:
    (repository.path / "new.py").write_text("", encoding="utf-8")
    assert describe_origin(repository.path, env(), "new.py") is None


def test_the_name_of_an_author_is_one_plain_line(repository: Project) -> None:
    (repository.path / "new.py").write_text("", encoding="utf-8")
    run_git(repository, "add", "--all")
    run_git(repository, "commit", "-q", "--author", "A\tB\x1b[31m <a@example.invalid>", "-m", "add")
    told = describe_origin(repository.path, env(), "new.py")
    assert told is not None
    assert told.startswith("added by A B on 2")


def test_no_repository_has_no_answers(tmp_path: Path) -> None:
    assert checkout.current_branch(tmp_path, env()) is None
    assert checkout.current_commit(tmp_path, env()) is None
    assert describe_origin(tmp_path, env(), "a.py") is None


def test_no_git_has_no_answers(repository: Project, tmp_path: Path) -> None:
    assert checkout.current_branch(repository.path, {"PATH": str(tmp_path)}) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_checkout_of_another_user_is_read(repository: Project) -> None:
    os.chown(repository.path, 65534, 65534)
    os.chown(repository.path / ".git", 65534, 65534)
    assert checkout.current_branch(repository.path, env()) == "main"


def test_a_shallow_checkout_blames_nobody(repository: Project, tmp_path: Path) -> None:
    source = repository.path.as_uri()
    run_git(repository, "clone", "-q", "--depth", "1", source, str(tmp_path / "shallow"))
    file = find_revision(repository, repository.situation.heads[0]).relative_to(repository.path)
    assert describe_origin(tmp_path / "shallow", env(), str(file)) is None
