"""What a rollback and a check ask of a private repository over HTTPS: with the token, which is seen nowhere."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.promote.shop import message
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import commit, run_git
from tests.projects_changes import add_revision, edit_revision
from tests.promotion import run_tool
from tests.servers.git_https import GitHttpsServer
from tests.servers.github import TOKEN, GitHubServer

pytestmark = [
    pytest.mark.newest,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate"),
]
LAST = "c0ffee000001"
SPELLINGS = (TOKEN, base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpsServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    server = GitHttpsServer(folder, TOKEN)
    yield server
    server.stop()


@pytest.fixture
def place(tmp_path: Path, either_url: str, server: GitHttpsServer, github: GitHubServer) -> Place:
    """A checkout without a login whose `main` is at the server, with one revision more than it began with."""
    place = build_place(tmp_path / "work", either_url, backup={"directory": str(tmp_path / "b")})
    with (place.project.path / ".gitignore").open("a") as ignored:
        ignored.write(".ci-migrate-result.json\n")
    commit(place.project, "Configure")
    add_revision(place.project, LAST)
    commit(place.project, "Add a revision")
    run_git(place.project, "push", "-q", str(server.folder), "main")
    run_git(place.project, "remote", "add", "origin", server.url)
    run_git(place.project, "update-ref", "refs/remotes/origin/main", "main")
    assert place.run("promote").outcome == "promoted"
    github.state.folder = server.folder
    # A setting of the user's own by the same way as ours: both have to count.
    settings = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.userAgent",
        "GIT_CONFIG_VALUE_0": "acme",
        "GIT_SSL_CAINFO": str(server.certificate),
        "GITHUB_SERVER_URL": server.server_url,
        "GIT_TRACE": str(tmp_path / "trace"),
    }
    return replace(place, env={**place.env, **github.env, **settings})


def check_nowhere(place: Place, *shown: str) -> None:
    """Assert that the token is in no output, on no command line, and in no file of the repository."""
    files = [file for file in (place.project.path / ".git").rglob("*") if file.is_file()]
    trace = Path(place.env["GIT_TRACE"]).read_text()
    assert "git remote-https origin" in trace, "the command lines are there"
    told = [*shown, trace, *(file.read_text("utf-8", "replace") for file in files)]
    for spelling in SPELLINGS:
        assert not [text for text in told if spelling in text]


def test_the_branch_that_takes_the_code_back_is_pushed(
    place: Place, server: GitHttpsServer, github: GitHubServer
) -> None:
    done = place.roll_back("--expect", LAST, "--open-pr")
    assert done.outcome == "rolled-back", done.output
    assert server.agents == {"acme"}, "the user's own settings count, too"
    assert any("git-receive-pack" in request for request in server.served), done.output
    assert LAST not in run_git(
        replace(place.project, path=server.folder),
        "ls-tree",
        "-r",
        "--name-only",
        f"rollback-{LAST}",
    )
    [pull] = github.state.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (f"rollback-{LAST}", "main")
    check_nowhere(place, done.output, json.dumps(done.result), json.dumps(pull))


def test_a_login_that_the_checkout_left_behind_is_not_sent_beside_it(
    place: Place, server: GitHttpsServer, github: GitHubServer
) -> None:
    # As actions/checkout leaves it, unless `persist-credentials` is false; GitHub refuses two logins.
    key = f"http.{server.server_url}/.extraheader"
    run_git(place.project, "config", key, "AUTHORIZATION: basic b2xkOnRva2Vu")
    done = place.roll_back("--expect", LAST, "--open-pr")
    assert len(github.state.pulls) == 1, done.output
    assert server.refused == []


@pytest.mark.slow
def test_a_token_that_is_not_known_is_a_warning(
    place: Place, server: GitHttpsServer, github: GitHubServer
) -> None:
    other = "ghs_another-token-that-nobody-knows"
    place = replace(place, env={**place.env, "GITHUB_TOKEN": other})
    done = place.roll_back("--expect", LAST, "--open-pr")
    assert (done.outcome, done.exit_code) == ("rolled-back", 0), done.output
    assert server.refused
    assert any(
        "no pull request was opened: git ls-remote failed" in t for t in done.result["warnings"]
    )
    assert github.state.pulls == []
    assert other not in done.output


@pytest.mark.slow
def test_what_a_shallow_checkout_lacks_is_fetched_with_the_token(
    place: Place, server: GitHttpsServer, github: GitHubServer, tmp_path: Path
) -> None:
    run_git(place.project, "checkout", "-q", "-b", "topic")
    edit_revision(place.project, LAST)
    commit(place.project, "Edit it")
    run_git(place.project, "push", "-q", str(server.folder), "topic")
    where = tmp_path / "checkout"
    clone = ["clone", "-q", "--depth=1", "--branch=topic", f"file://{server.folder}"]
    run_git(place.project, *clone, str(where))
    run_git(replace(place.project, path=where), "remote", "set-url", "origin", server.url)
    ran = run_tool(where, "check", "--base", "origin/main", env=place.env)
    assert f"{LAST} 'create table_{LAST}' was edited" in message(ran, "history"), ran.output
    assert github.requests == [], "git had a way"
    check_nowhere(place, ran.output)
