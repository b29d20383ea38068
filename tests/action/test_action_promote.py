"""The action and the workflow on real projects and databases, as a team would meet them."""

import json
import re
from functools import partial

import pytest

from tests.action.act import NO_SHA
from tests.action.shop import PROMOTE, build_shop, one_step_workflow
from tests.projects_builder import run_git
from tests.projects_changes import edit_revision

pytestmark = [pytest.mark.action, pytest.mark.usefixtures("act")]
HEAD = {"linear": "5c00753421f7", "flask_factory": "a3e35876c37d"}


@pytest.fixture
def actions(action_checkout, setup_python_stub):
    """The local folders in place of the actions that promote.yml pins."""
    pin = re.search(r"actions/setup-python@\w+", PROMOTE.read_text()).group()
    return {f"ci-migrate/ci-migrate@{NO_SHA}": action_checkout, pin: setup_python_stub}


@pytest.fixture
def make_shop(tmp_path, actions, project_python):
    def make(name, **inputs):
        workflow = one_step_workflow(python=str(project_python), **inputs)
        return build_shop(name, tmp_path, actions, workflow)

    return make


def outputs_of(result):
    """The outputs of the action; JSON ones decoded."""
    outputs = dict(result.outputs.get("promote", {}))
    for name in ("from", "to", "pending", "applied", "gates", "backup", "error", "versions"):
        outputs[name] = json.loads(outputs.get(name) or "null")
    return outputs


def text_of(messages):
    return json.dumps(messages, ensure_ascii=False)


def secrets(url, slack):
    return {"DEV_DATABASE_URL": url, "SLACK_WEBHOOK_URL": slack.url}


@pytest.mark.slow_on("mariadb", "sqlite")
@pytest.mark.parametrize("database", ["sqlite", "postgres", "mariadb"])
@pytest.mark.parametrize("name", [pytest.param("linear", marks=pytest.mark.slow), "flask_factory"])
def test_a_push_is_promoted_and_a_second_one_has_nothing_to_do(
    make_shop, slack, request, name, database
):
    url = request.getfixturevalue(f"{database}_url")
    shop = make_shop(name)
    result = shop.push("dev", secrets(url, slack))
    assert result.returncode == 0, result.log
    outputs = outputs_of(result)
    assert (outputs["outcome"], outputs["environment"], outputs["branch"]) == (
        "promoted",
        "dev",
        "dev",
    )
    assert (outputs["from"], outputs["to"]) == ([], [HEAD[name]])
    assert outputs["applied"][-1]["revision"] == HEAD[name]
    assert len(outputs["applied"]) == len(outputs["pending"]) == 3
    assert {gate["outcome"] for gate in outputs["gates"]} <= {"passed", "skipped"}
    assert outputs["backup"]["verified"]
    assert outputs["error"] is None
    assert float(outputs["seconds"]) > 0
    assert "alembic" in outputs["versions"]
    assert HEAD[name] in result.summary
    assert "dev" in result.summary
    assert list(shop.backups.iterdir())
    assert HEAD[name] in text_of(slack.messages)
    assert result.annotations == ()

    again = shop.push("dev", secrets(url, slack))
    assert again.returncode == 0, again.log
    outputs = outputs_of(again)
    assert (outputs["outcome"], outputs["applied"], outputs["backup"]) == (
        "nothing-to-do",
        [],
        None,
    )
    assert outputs["from"] == outputs["to"] == [HEAD[name]]
    assert len(slack.messages) == 1


def test_the_workflow_to_copy_takes_revisions_from_dev_over_staging_to_production(
    tmp_path, actions, slack
):
    shop = build_shop("linear", tmp_path, actions, PROMOTE.read_text())
    urls = {
        f"{name.upper()}_DATABASE_URL": f"sqlite:///{tmp_path}/{name}.sqlite"
        for name in ("dev", "staging", "production")
    }
    given = {**urls, "SLACK_WEBHOOK_URL": slack.url}
    early = shop.push("main", given)
    assert early.returncode != 0
    assert outputs_of(early)["outcome"] == "blocked"
    for branch, environment in (("dev", "dev"), ("staging", "staging"), ("main", "production")):
        result = shop.push(branch, given)
        assert result.returncode == 0, result.log
        outputs = outputs_of(result)
        assert (outputs["outcome"], outputs["environment"]) == ("promoted", environment)
    assert len(slack.messages) == 4
    assert "Install the project" in result.log


def test_two_heads_fail_the_job_and_everybody_is_told_how_to_merge_them(
    make_shop, slack, sqlite_url
):
    shop = make_shop("two_heads")
    result = shop.push("dev", secrets(sqlite_url, slack))
    assert result.returncode != 0
    assert result.results["promote"] == "failure"
    outputs = outputs_of(result)
    assert (outputs["outcome"], outputs["applied"]) == ("blocked", [])
    assert [gate["name"] for gate in outputs["gates"] if gate["outcome"] == "failed"] == ["heads"]
    for told in (result.summary, text_of(slack.messages), text_of(result.annotations)):
        assert "f93e5993a69b" in told
        assert "2de1e75fccbd" in told
    assert "merge" in result.summary
    assert not shop.backups.exists()


def test_a_pull_request_never_deploys(make_shop, slack, sqlite_url, tmp_path):
    shop = make_shop("linear")
    result = shop.push("dev", secrets(sqlite_url, slack), event="pull_request")
    assert outputs_of(result)["outcome"] == "nothing-to-do", result.log
    assert "pull_request" in result.log
    assert not (tmp_path / "database.sqlite").exists()
    assert slack.messages == []


@pytest.mark.slow
def test_a_pull_request_that_rewrites_a_revision_fails_at_its_file(make_shop, tmp_path):
    shop = make_shop("linear", command="check", args="--base main")
    git = partial(run_git, shop.project)
    git("checkout", "-q", "dev")
    file = edit_revision(shop.project, HEAD["linear"])
    git("commit", "-q", "-am", "Change what is merged")
    result = shop.push("dev", {}, event="pull_request")
    assert result.returncode != 0
    outputs = outputs_of(result)
    assert (outputs["outcome"], outputs["environment"]) == ("blocked", "")
    assert [gate["name"] for gate in outputs["gates"] if gate["outcome"] == "failed"] == ["history"]
    assert file.name in text_of(result.annotations)
    assert f"{HEAD['linear']} 'add users display name' was edited" in result.log
    assert not (tmp_path / "database.sqlite").exists()


def test_the_deletion_of_a_branch_does_not_deploy(make_shop, slack, sqlite_url, tmp_path):
    shop = make_shop("linear")
    result = shop.push("dev", secrets(sqlite_url, slack), deleted=True)
    assert result.returncode == 0
    assert not (tmp_path / "database.sqlite").exists()


def test_inputs_become_arguments_and_a_dispatch_deploys(make_shop, slack, sqlite_url, tmp_path):
    shop = make_shop(
        "linear",
        environment="dev",
        config="ci-migrate.yml",
        args=f"--json '{tmp_path}/the result.json'",
    )
    result = shop.push("main", secrets(sqlite_url, slack), event="workflow_dispatch")
    assert result.returncode == 0, result.log
    written = json.loads((tmp_path / "the result.json").read_text())
    outputs = outputs_of(result)
    assert written["outcome"] == outputs["outcome"] == "promoted"
    assert set(outputs) <= set(written)


@pytest.mark.slow
def test_quotes_left_open_end_in_a_usage_error(make_shop, slack, sqlite_url):
    result = make_shop("linear", args="--json 'x").push("dev", secrets(sqlite_url, slack))
    assert result.returncode != 0
    assert "no closing quotation" in result.log


@pytest.mark.slow
def test_a_project_in_a_folder_of_the_repository(make_shop, slack, sqlite_url):
    shop = make_shop("linear", working_directory="services/shop api")
    folder = shop.project.path / "services/shop api"
    folder.mkdir(parents=True)
    for name in ("alembic.ini", "migrations", "ci-migrate.yml"):
        (shop.project.path / name).rename(folder / name)
    result = shop.push("dev", secrets(sqlite_url, slack))
    assert result.returncode == 0, result.log
    assert outputs_of(result)["outcome"] == "promoted"


def test_secrets_are_in_nothing_that_the_run_shows(make_shop, slack, postgres):
    url = postgres.tcp_url(postgres.create_database().partition("?")[0].rpartition("/")[2])
    result = make_shop("linear").push("dev", secrets(url, slack))
    assert result.returncode == 0, result.log
    shown = result.log + result.summary + text_of(slack.messages) + text_of(dict(result.outputs))
    password = url.split("://")[1].split("@127")[0].partition(":")[2]
    assert password not in shown
    assert "t%st@er:/ päss" not in shown
    assert slack.url not in shown
