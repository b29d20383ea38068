"""The workflow that checks open pull requests again, as shipped, when their base moves."""

import re
import sys

import pytest

from tests.action.act import NO_SHA, run_act
from tests.action.shop import PROMOTE, ROOT, build_shop
from tests.projects_builder import commit, run_git
from tests.projects_changes import add_revision
from tests.servers.github import TOKEN

pytestmark = [pytest.mark.action, pytest.mark.usefixtures("act")]
WATCH = ROOT / "workflows" / "heads-watch.yml"


@pytest.fixture
def shop(tmp_path, action_checkout, setup_python_stub):
    pin = re.search(r"actions/setup-python@\w+", PROMOTE.read_text()).group()
    actions = {f"ci-migrate/ci-migrate@{NO_SHA}": action_checkout, pin: setup_python_stub}
    shop = build_shop("linear", tmp_path, actions, WATCH.read_text())
    run_git(shop.project, "checkout", "-q", "main")
    return shop


def run_watch(shop, github, python, event):
    # Where the runner would find GitHub, git finds the repository itself.
    home = shop.folder / "act" / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(
        f'[url "{shop.project.path}"]\n\tinsteadOf = https://github.com/acme/shop.git\n'
    )
    return run_act(
        shop.project.path,
        shop.folder / "act",
        event=event,
        ref="refs/heads/main",
        actions=shop.actions,
        secrets={"GITHUB_TOKEN": TOKEN},
        env={
            "VIRTUAL_ENV": str(python.parent.parent),
            "HOME": str(home),
            "GITHUB_API_URL": github.api_url,
            "GITHUB_REPOSITORY": "acme/shop",
        },
    )


@pytest.mark.skipif(sys.platform != "linux", reason="act is run on Linux")
def test_a_push_checks_the_open_pull_requests_again(shop, github, project_python):
    run_git(shop.project, "checkout", "-q", "-b", "feature")
    add_revision(shop.project, "aaaaaaaaaa01")
    sha = commit(shop.project, "add a revision")
    number = github.state.add_pull("feature", sha, "main")
    run_git(shop.project, "update-ref", f"refs/pull/{number}/head", sha)
    run_git(shop.project, "checkout", "-q", "main")
    add_revision(shop.project, "bbbbbbbbbb02")
    commit(shop.project, "add another revision")

    result = run_watch(shop, github, project_python, "push")
    assert result.returncode == 0, result.log
    [status] = github.state.commit_statuses[sha]
    assert (status["context"], status["state"]) == ("ci-migrate/heads", "failure")
    assert "aaaaaaaaaa01, bbbbbbbbbb02" in status["description"]
    assert TOKEN not in result.log


def test_a_pull_request_with_two_heads_fails_its_own_check(shop, github, project_python):
    for revision in ("aaaaaaaaaa01", "bbbbbbbbbb02"):
        add_revision(shop.project, revision)
    commit(shop.project, "two heads")
    result = run_watch(shop, github, project_python, "pull_request")
    assert result.returncode != 0, result.log
    assert "alembic merge -m" in result.log
    assert github.state.commit_statuses == {}, "that is no pull request of this GitHub"
