"""What GitHub is told of an environment's ledger, and what is read from it again."""

from __future__ import annotations

import pytest

from ci_migrate.errors import GitHubError
from ci_migrate.evidence.github_record import (
    MOST_REVISIONS,
    read_record,
    write_failure,
    write_record,
)
from ci_migrate.github.rest import open_github
from ci_migrate.models import Evidence
from tests.servers.github import GitHubServer
from tests.unit.report.samples import RUN


def ledger(*ids: str, content_hash: str = "v1:a") -> dict[str, Evidence]:
    return {
        id_: Evidence(
            revision=id_, content_hash=content_hash, finished_at="2026-11-01", environment="dev"
        )
        for id_ in ids
    }


def test_github_follows_the_ledger_forth_and_back(github: GitHubServer) -> None:
    client = open_github(github.env)
    assert read_record(client, "dev", {"aaaa"}) is None
    assert write_record(client, "dev", RUN, ledger("aaaa", "bbbb")) == 1
    assert write_record(client, "dev", RUN, ledger("aaaa", "bbbb")) == 0
    assert read_record(client, "dev", {"aaaa", "cccc"}) == ledger("aaaa")

    # bbbb was taken back, and aaaa ran again with other content.
    again = ledger("aaaa", content_hash="v1:b")
    assert write_record(client, "dev", RUN, again) == 1
    assert read_record(client, "dev", {"aaaa", "bbbb"}) == again


def test_a_record_that_was_cut_off_is_no_proof_until_it_is_finished(github: GitHubServer) -> None:
    client = open_github(github.env)
    write_record(client, "dev", RUN, ledger("aaaa"))
    github.state.deployment_statuses.clear()  # killed between deployment and state
    assert read_record(client, "dev", {"aaaa"}) == {}
    assert write_record(client, "dev", RUN, ledger("aaaa")) == 0
    assert read_record(client, "dev", {"aaaa"}) == ledger("aaaa")


def test_a_run_that_failed_is_no_record_and_no_proof(github: GitHubServer) -> None:
    client = open_github(github.env)
    write_failure(client, "dev", RUN, "promote failed", {"revision": "aaaa"})
    assert read_record(client, "dev", {"aaaa"}) is None, "the next source is to be asked"
    github.state.deployment_statuses.clear()  # killed between deployment and state
    assert write_record(client, "dev", RUN, ledger("bbbb")) == 1
    newest, failed = github.state.deployments
    states = github.state.deployment_statuses
    assert [states[each["id"]][0]["state"] for each in (newest, failed)] == ["success", "failure"]
    assert read_record(client, "dev", {"aaaa", "bbbb"}) == ledger("bbbb")


def test_deployments_of_others_say_nothing(github: GitHubServer) -> None:
    client = open_github(github.env)
    write_record(client, "dev", RUN, ledger("aaaa"))
    newest = github.state.deployments[0]
    for payload in ("not json", "{}", {"ci_migrate": "1", "executed": {"aaaa": {"hash": "x"}}}):
        github.state.deployments.insert(0, {**newest, "id": 900, "payload": payload})
    assert read_record(client, "dev", {"aaaa"}) == ledger("aaaa")


def test_a_deployment_of_a_newer_version_is_not_passed_over(github: GitHubServer) -> None:
    client = open_github(github.env)
    write_record(client, "dev", RUN, ledger("aaaa"))
    newest = github.state.deployments[0]
    newer = {"ci_migrate": 2, "taken_back": ["aaaa"]}
    github.state.deployments.insert(0, {**newest, "id": 900, "payload": newer})
    with pytest.raises(GitHubError, match="deployment 900 was written by a newer version"):
        read_record(client, "dev", {"aaaa"})


def test_a_long_history_is_told_in_portions(github: GitHubServer) -> None:
    client = open_github(github.env)
    many = ledger(*(f"{n:04x}" for n in range(MOST_REVISIONS + 1)))
    assert write_record(client, "dev", RUN, many) == 2
    assert read_record(client, "dev", many.keys()) == many


def test_proving_asks_for_few_states(github: GitHubServer) -> None:
    client = open_github(github.env)
    for number in range(5):
        write_record(client, "dev", RUN, ledger(*(f"{n:04x}" for n in range(number + 1))))
    github.requests.clear()
    assert set(read_record(client, "dev", {"0004"}) or ()) == {"0004"}
    assert len(github.requests) == 2
