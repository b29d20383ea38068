"""The REST client against a GitHub that keeps state and is held to GitHub's published description."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ci_migrate.errors import GitHubError
from ci_migrate.github.deployments import (
    create_deployment,
    iterate_deployments,
    read_deployment_state,
    set_deployment_state,
)
from ci_migrate.github.pulls import (
    create_pull,
    iterate_pulls,
    set_commit_status,
)
from ci_migrate.github.repository import compare_commits, read_reviews
from ci_migrate.github.rest import GitHub, open_github, tokens_of
from tests.projects_builder import Project, run_git
from tests.servers.github import TOKEN, Answer, GitHubServer

SHA = "a" * 40


@pytest.fixture
def client(github: GitHubServer) -> GitHub:
    return open_github(github.env)


def test_a_deployment_is_told_and_asked_again(client: GitHub, github: GitHubServer) -> None:
    payload = {"ci_migrate": 1, "executed": {"4f1c": "v1:00"}}
    for commit in (SHA, "b" * 40):
        number = create_deployment(
            client, environment="staging", commit=commit, description="x" * 300, payload=payload
        )
        set_deployment_state(
            client, number, state="success", description="1 revision", log_url="https://x.test/1"
        )
    found = list(iterate_deployments(client, "staging"))
    assert [(d.sha, d.payload) for d in found] == [("b" * 40, payload), (SHA, payload)]
    # GitHub's defaults would have merged, waited for checks, and made the first one inactive.
    assert [read_deployment_state(client, d.id) for d in found] == ["success", "success"]
    assert list(iterate_deployments(client, "production")) == []
    assert len(github.state.deployments[0]["description"]) <= 140


def test_lists_are_read_to_their_end(client: GitHub, github: GitHubServer) -> None:
    for number in range(230):
        github.state.add_pull(f"topic-{number}", SHA, "main")
    assert len({pull.number for pull in iterate_pulls(client, "main")}) == 230
    assert [request.query.get("page") for request in github.requests] == [None, "2", "3"]


def test_a_pull_request_is_opened_once(client: GitHub, github: GitHubServer) -> None:
    request = {"head": "rollback/4f1c", "base": "main", "title": "Take\nback", "body": "x" * 70_000}
    first, second = (create_pull(client, **request) for _ in range(2))
    assert first.number == second.number
    assert [(pull["title"], pull["state"]) for pull in github.state.pulls] == [
        ("Take back", "open")
    ]
    assert first.url == f"https://github.com/acme/shop/pull/{first.number}"


def test_a_status_on_a_commit(client: GitHub, github: GitHubServer) -> None:
    set_commit_status(client, SHA, state="failure", context="ci-migrate", description="y" * 200)
    assert github.state.commit_statuses[SHA][0]["state"] == "failure"


def test_commits_are_compared_by_their_merge_base(
    client: GitHub, github: GitHubServer, tmp_path: Path
) -> None:
    repository = Project(path=tmp_path, situation=None)
    run_git(repository, "init", "-q", "-b", "main")
    for name in ("one", "two"):
        (tmp_path / name).write_text(name * 40)
        run_git(repository, "add", ".")
        run_git(repository, "commit", "-q", "-m", name)
    run_git(repository, "checkout", "-q", "-b", "topic/a+b#c", "HEAD~1")
    run_git(repository, "mv", "one", "three")
    run_git(repository, "commit", "-q", "-m", "move")
    github.state.folder = tmp_path
    found = compare_commits(client, "main", "topic/a+b#c")
    assert [(f.path, f.status, f.previous_path) for f in found.files] == [
        ("three", "renamed", "one")
    ]
    with pytest.raises(GitHubError, match="no such thing"):
        compare_commits(client, "main", "missing")


def test_the_reviews_of_a_run(client: GitHub, github: GitHubServer) -> None:
    github.state.add_approval("77", "production", "ada", "approved")
    reviews = [(r.state, r.login, r.environments) for r in read_reviews(client, "77")]
    assert reviews == [("approved", "ada", ("production",))]
    assert read_reviews(client, "78") == ()


def test_a_missing_permission_is_named(client: GitHub, github: GitHubServer) -> None:
    github.permissions["deployments"] = "read"
    with pytest.raises(GitHubError, match="may not do this on acme/shop") as caught:
        create_deployment(client, environment="dev", commit=SHA, description="", payload={})
    assert caught.value.status == 403
    assert "permissions:\n  deployments: write" in (caught.value.next_step or "")


@pytest.mark.parametrize(
    ("answer", "says", "advises"),
    [
        (Answer(status=401, body="{}"), "does not know the token", "valid"),
        (Answer(status=404, body='{"message": "Not Found"}'), "Not Found", "permissions"),
        (Answer(status=422, body='{"errors": [{"field": "ref", "code": "bad"}]}'), "ref bad", None),
        (Answer(status=403, headers={"Retry-After": "90"}), "rate limit", "in 90 seconds"),
        (
            Answer(
                status=403,
                headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1893456000"},
            ),
            "rate limit",
            "after 2030-01-01 00:00:00 UTC",
        ),
        (Answer(status=200, body="<html>"), "without JSON", None),
        (Answer(status=301, headers={"Location": "https://evil.test/"}), "another server", None),
    ],
)
def test_a_refusal_is_told_in_words(
    client: GitHub, github: GitHubServer, answer: Answer, says: str, advises: str | None
) -> None:
    github.answers.append(answer)
    with pytest.raises(GitHubError, match=says) as caught:
        read_reviews(client, "78")
    assert (advises or "") in (caught.value.next_step or "")
    assert TOKEN not in str(caught.value)
    assert len(github.requests) == 1


def test_reading_outlives_a_short_trouble_and_writing_is_not_done_twice(
    client: GitHub, github: GitHubServer
) -> None:
    github.answers += [Answer(status=502)]
    assert read_reviews(client, "78") == ()
    github.answers += [Answer(status=502)]
    with pytest.raises(GitHubError, match="in trouble: HTTP 502"):
        set_commit_status(client, SHA, state="success", context="x", description="")
    assert [request.method for request in github.requests] == ["GET", "GET", "POST"]


def test_a_renamed_repository_is_followed_on_the_same_server(
    client: GitHub, github: GitHubServer
) -> None:
    there = f"{github.api_url}/repos/acme/shop/actions/runs/78/approvals"
    github.answers.append(Answer(status=301, headers={"Location": there}))
    assert read_reviews(client, "78") == ()


def test_the_token_does_not_follow_a_link_to_another_server(
    client: GitHub, github: GitHubServer
) -> None:
    link = '<https://evil.test/next>; rel="next"'
    github.answers.append(Answer(status=200, body="[]", headers={"Link": link}))
    assert list(iterate_pulls(client, "main")) == []


def test_no_answer_and_no_login_are_said_without_the_token(github: GitHubServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    away = {**github.env, "GITHUB_API_URL": f"http://127.0.0.1:{port}"}
    with pytest.raises(GitHubError, match="cannot be asked") as caught:
        read_reviews(open_github(away), "78")
    assert TOKEN not in repr(caught.value) + repr(open_github(away))
    with pytest.raises(GitHubError, match="GITHUB_TOKEN is not set"):
        open_github({"GITHUB_REPOSITORY": "acme/shop"})
    assert tokens_of({"CI_MIGRATE_GITHUB_TOKEN": "a", "GITHUB_TOKEN": "b"}) == ("a", "b")


def test_a_netrc_does_not_replace_the_token(
    client: GitHub, github: GitHubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert read_reviews(client, "78") == ()
