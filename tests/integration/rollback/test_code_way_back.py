"""The code follows the database: the commands of the report do what they say, and so does the pull request."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.shop import gates
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import GIT_ENVIRONMENT, commit, run_git
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


def test_the_commands_take_the_code_back(sqlite_url: str, tmp_path: Path) -> None:
    place = build_history(tmp_path, sqlite_url)
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


def test_the_pull_request_is_opened(sqlite_url: str, tmp_path: Path, github: GitHubServer) -> None:
    place = build_history(tmp_path, sqlite_url)
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
