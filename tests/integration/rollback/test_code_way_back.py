"""The code follows the database: the commands of the report do what they say, and so does the pull request."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.shop import gates
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import GIT_ENVIRONMENT, commit, run_git
from tests.projects_changes import add_revision
from tests.servers.github import GitHubServer

pytestmark = [pytest.mark.slow, pytest.mark.newest]
LAST = "5c00753421f7"


def build_history(folder: Path, url: str) -> Place:
    """Return a place whose last revision came by a merge, with a remote, and with a commit after it."""
    place = build_place(folder / "work", url)
    text = place.file(LAST).read_text("utf-8")
    name = place.file(LAST).relative_to(place.project.path)
    run_git(place.project, "rm", "-q", str(name))
    commit(place.project, "Begin without it")
    run_git(place.project, "checkout", "-q", "-b", "feature")
    (place.project.path / name).parent.mkdir(exist_ok=True)
    (place.project.path / name).write_text(text, "utf-8")
    commit(place.project, "Add the revision")
    run_git(place.project, "checkout", "-q", "main")
    run_git(place.project, "merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    (place.project.path / "later.txt").write_text("later\n")
    commit(place.project, "Go on")
    remote = folder / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True, env=GIT_ENVIRONMENT)
    run_git(place.project, "remote", "add", "origin", str(remote))
    run_git(place.project, "push", "-q", "origin", "main")
    return place


def test_the_commands_take_the_code_back(either_url: str, tmp_path: Path) -> None:
    place = build_history(tmp_path, either_url)
    done = place.roll_back()
    assert done.outcome == "rolled-back", done.output
    told = done.result["next"]
    commands = [line.strip() for line in told.splitlines() if line.startswith("    git ")]
    assert len(commands) == 4
    assert "takes back 2 commits of main" in told
    run_git(place.project, "stash", "-q", "--include-untracked")
    for command in commands:
        subprocess.run(command, shell=True, check=True, cwd=place.project.path, env=GIT_ENVIRONMENT)
    run_git(place.project, "switch", "-q", "main")
    run_git(place.project, "merge", "-q", "--no-ff", "-m", "Take back", f"rollback-{LAST}")
    assert not list(place.project.path.rglob(f"{LAST}*.py"))
    assert not (place.project.path / "later.txt").exists()
    run_git(place.project, "stash", "pop", "-q")
    # The branch is as the database is: nothing is pending, and nothing is held.
    after = place.run("promote")
    assert (after.outcome, gates(after)["held"]) == ("nothing-to-do", "passed"), after.output


def run_commands(place: Place, told: str) -> None:
    """Run what a report tells, and merge the branch that it makes."""
    commands = [line.strip() for line in told.splitlines() if line.startswith("    git ")]
    for command in commands:
        subprocess.run(command, shell=True, check=True, cwd=place.project.path, env=GIT_ENVIRONMENT)
    branch = run_git(place.project, "branch", "--show-current").strip()
    run_git(place.project, "switch", "-q", "main")
    run_git(place.project, "merge", "-q", "--no-ff", "-m", "Take back", branch)


def build_release(folder: Path, url: str, env: dict[str, str] | None = None) -> Place:
    """Return a place where one merge has brought two revisions, both promoted."""
    place = build_place(folder / "work", url, backup={"directory": str(folder / "backups")})
    if env:
        place = replace(place, env={**place.env, **env})
    with (place.project.path / ".gitignore").open("a") as ignored:
        ignored.write(".ci-migrate-result.json\n")
    commit(place.project, "Configure")
    run_git(place.project, "checkout", "-q", "-b", "release")
    for revision, after in (("aaaaaaaaaa01", LAST), ("bbbbbbbbbb02", "aaaaaaaaaa01")):
        add_revision(place.project, revision, after=after)
        commit(place.project, f"Add {revision}")
    run_git(place.project, "checkout", "-q", "main")
    run_git(place.project, "merge", "-q", "--no-ff", "-m", "Release", "release")
    remote = folder / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True, env=GIT_ENVIRONMENT)
    run_git(place.project, "remote", "add", "origin", str(remote))
    run_git(place.project, "push", "-q", "origin", "main")
    assert place.run("promote").outcome == "promoted"
    return place


def test_what_came_by_the_same_merge_stays(either_url: str, tmp_path: Path) -> None:
    place = build_release(tmp_path, either_url)
    done = place.roll_back()
    assert (done.outcome, done.result["reached"]) == ("rolled-back", ["aaaaaaaaaa01"]), done.output
    assert "This removes the file only" in done.result["next"]
    run_commands(place, done.result["next"])
    assert not list(place.project.path.rglob("bbbbbbbbbb02*.py"))
    after = place.run("promote")
    assert (after.outcome, gates(after)["history"]) == ("nothing-to-do", "passed"), after.output


def test_a_file_that_was_renamed_has_the_revision_under_its_old_name_too(
    either_url: str, tmp_path: Path
) -> None:
    place = build_place(tmp_path / "work", either_url)
    commit(place.project, "Configure")
    before = run_git(place.project, "rev-parse", "HEAD").strip()
    file = add_revision(place.project, "aaaaaaaaaa01", after=LAST)
    commit(place.project, "Add it")
    run_git(place.project, "mv", str(file), str(file.with_name("renamed.py")))
    commit(place.project, "Rename it")
    assert place.run("promote").outcome == "promoted"
    done = place.roll_back()
    assert f"since {before[:12]}, the last one without the revision" in done.result["next"]
    assert f"git switch --create rollback-aaaaaaaaaa01 {before}" in done.result["next"]


def test_a_second_pull_request_of_a_revision_is_the_first(
    either_url: str, tmp_path: Path, github: GitHubServer
) -> None:
    place = build_release(tmp_path, either_url, dict(github.env))
    addresses = set()
    for turn in range(3):
        if turn == 2:  # the branch has gone on meanwhile
            (place.project.path / "later.txt").write_text("later\n")
            commit(place.project, "Go on")
            run_git(place.project, "push", "-q", "origin", "main")
        done = place.roll_back("--open-pr")
        assert not any("pull request" in text for text in done.result["warnings"]), done.output
        addresses.add(done.result["next"].rpartition("The pull request for that: ")[2])
        pushed = run_git(place.project, "ls-remote", "origin", "refs/heads/rollback-bbbbbbbbbb02")
        run_git(place.project, "fetch", "-q", "origin", "rollback-bbbbbbbbbb02")
        files = run_git(place.project, "ls-tree", "-r", "--name-only", pushed.split()[0])
        assert ("bbbbbbbbbb02" in files, "aaaaaaaaaa01" in files) == (False, True)
        assert ("later.txt" in files) is (turn == 2)
        assert place.run("promote", "--reapply").outcome == "promoted"
    assert len(addresses) == 1


def test_the_pull_request_is_opened(either_url: str, tmp_path: Path, github: GitHubServer) -> None:
    place = build_history(tmp_path, either_url)
    place = replace(place, env={**place.env, **github.env})
    done = place.roll_back("--open-pr")
    assert done.outcome == "rolled-back", done.output
    assert not any("pull request" in text for text in done.result["warnings"]), done.output
    pull = github.state.pulls[-1]
    assert pull["head"]["ref"] == f"rollback-{LAST}"
    assert pull["base"]["ref"] == "main"
    assert "pull request for that: http" in done.result["next"]
    pushed = run_git(place.project, "ls-tree", "-r", "--name-only", f"origin/rollback-{LAST}")
    assert LAST not in pushed
    assert run_git(place.project, "merge-base", f"origin/rollback-{LAST}", "main").strip() == (
        run_git(place.project, "rev-parse", "main").strip()
    )
