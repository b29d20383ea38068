import json

import pytest

from ci_migrate.github.event import (
    LARGEST_PAYLOAD,
    read_event,
    why_not_deployable,
)


def runner(name="push", ref="refs/heads/dev", **more):
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_REF": ref,
        "GITHUB_SHA": "c" * 40,
        "GITHUB_ACTOR": "author",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "2",
        **more,
    }


def with_payload(tmp_path, payload, name="push", **more):
    path = tmp_path / "event.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return runner(name, GITHUB_EVENT_PATH=str(path), **more)


@pytest.mark.parametrize("env", [{}, {"GITHUB_ACTIONS": "false"}, {"GITHUB_REF": "refs/heads/dev"}])
def test_there_is_no_event_outside_of_github(env):
    assert read_event(env) is None


def test_a_push_carries_branch_commit_and_links(tmp_path):
    event = read_event(with_payload(tmp_path, {"deleted": False, "after": "c" * 40}))
    assert (event.name, event.ref, event.branch) == ("push", "refs/heads/dev", "dev")
    assert (event.is_tag, event.deleted, event.payload_problem) == (False, False, None)
    assert event.run_url == "https://github.example/acme/shop/actions/runs/77/attempts/2"
    assert event.commit_url == f"https://github.example/acme/shop/commit/{'c' * 40}"
    assert event.repository == "acme/shop"
    assert why_not_deployable(event) == ""


def test_the_actor_of_a_rerun_is_who_started_it():
    assert read_event(runner()).actor == "author"
    assert read_event(runner(GITHUB_TRIGGERING_ACTOR="operator")).actor == "operator"


def test_a_branch_name_may_hold_slashes_and_shell_characters():
    event = read_event(runner(ref="refs/heads/release/$(id)/refs/heads/x"))
    assert event.branch == "release/$(id)/refs/heads/x"
    assert why_not_deployable(event) == ""


def test_links_are_absent_when_the_runner_does_not_say_where_it_runs():
    event = read_event({"GITHUB_ACTIONS": "true"})
    assert (event.run_url, event.commit_url, event.actor, event.sha) == (None, None, None, None)
    assert "unnamed event" in why_not_deployable(event)


@pytest.mark.parametrize(
    "name",
    [
        "pull_request", "pull_request_target", "merge_group", "issue_comment", "schedule",
        "workflow_run", "release", "delete", "create", "repository_dispatch", "Push",
    ],
)  # fmt: skip
def test_other_events_never_deploy_even_on_a_branch_ref(name):
    event = read_event(runner(name, "refs/heads/main"))
    assert event.branch is None
    assert name in why_not_deployable(event)


@pytest.mark.parametrize(
    ("name", "ref", "reason"),
    [
        ("push", "refs/tags/v1", "is a tag"),
        ("workflow_dispatch", "refs/tags/main", "is a tag"),
        ("push", "refs/heads/", "not a branch"),
        ("push", "", "an empty ref"),
        ("push", "refs/pull/3/merge", "not a branch"),
        ("push", "refs/heads/gh-readonly-queue/main/pr-3-abc", "merge queue"),
    ],
)
def test_refs_that_are_no_branch_do_not_deploy(name, ref, reason):
    event = read_event(runner(name, ref))
    assert reason in why_not_deployable(event)


def test_the_deletion_of_a_branch_does_not_deploy_the_default_branch(tmp_path):
    event = read_event(with_payload(tmp_path, {"deleted": True}, ref="refs/heads/main"))
    assert event.deleted
    assert "deleted its branch" in why_not_deployable(event)


def test_a_dispatch_on_a_branch_deploys(tmp_path):
    event = read_event(
        with_payload(tmp_path, {"inputs": {}}, GITHUB_EVENT_NAME="workflow_dispatch")
    )
    assert (event.branch, why_not_deployable(event)) == ("dev", "")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "not JSON"),
    ],
)
def test_a_push_with_a_broken_payload_does_not_deploy(tmp_path, payload, reason):
    event = read_event(with_payload(tmp_path, payload))
    assert reason in event.payload_problem
    assert reason in why_not_deployable(event)


def test_a_missing_payload_is_named_and_a_dispatch_does_not_need_it(tmp_path):
    gone = {"GITHUB_EVENT_PATH": str(tmp_path / "gone.json")}
    push, dispatch = read_event(runner(**gone)), read_event(runner("workflow_dispatch", **gone))
    assert "gone.json" in why_not_deployable(push)
    assert (dispatch.branch, why_not_deployable(dispatch)) == ("dev", "")


def test_a_folder_or_a_nul_as_payload_is_no_traceback(tmp_path):
    for path in (str(tmp_path), "a\0b"):
        assert read_event(runner(GITHUB_EVENT_PATH=path)).payload_problem


def test_a_huge_payload_is_not_parsed(tmp_path):
    path = tmp_path / "event.json"
    with path.open("wb") as file:
        file.truncate(LARGEST_PAYLOAD + 1)
    event = read_event(runner(GITHUB_EVENT_PATH=str(path)))
    assert "larger than" in event.payload_problem


def test_a_runner_without_a_payload_file_still_deploys_pushes():
    event = read_event(runner())
    assert (event.branch, why_not_deployable(event)) == ("dev", "")


@pytest.mark.parametrize(
    ("name", "payload", "before"),
    [
        ("push", {"before": "a" * 40}, "a" * 40),
        ("merge_group", {"merge_group": {"base_sha": "b" * 40}}, "b" * 40),
        # Of a pull request it is its own last head: what it did before that would pass as given.
        ("pull_request", {"action": "synchronize", "before": "c" * 40}, None),
        ("pull_request_target", {"action": "synchronize", "before": "c" * 40}, None),
        ("workflow_dispatch", {}, None),
    ],
)
def test_the_commit_before_is_that_of_the_branch_and_not_of_a_pull_request(
    tmp_path, name, payload, before
):
    assert read_event(with_payload(tmp_path, payload, name)).before == before
