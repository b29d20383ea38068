"""The workflow that checks pull requests, as shipped, under act: no secret, no database, only files and git."""

from pathlib import Path

import pytest

from tests.action.team import Team, found_team, local_actions
from tests.projects_builder import commit
from tests.projects_changes import add_revision, edit_revision

pytestmark = [pytest.mark.action, pytest.mark.usefixtures("act")]
LAST = "5c00753421f7"


@pytest.fixture
def team(tmp_path: Path, slack, github, action_checkout, setup_python_stub, project_python) -> Team:
    actions = local_actions(action_checkout, setup_python_stub)
    parts = {"slack": slack, "github": github, "actions": actions, "python": project_python}
    return found_team(tmp_path, urls={}, **parts)


def test_an_edited_revision_is_red_and_a_new_one_is_green(team: Team) -> None:
    team.git("checkout", "-q", "-b", "good", "dev")
    add_revision(team.project, "c0ffee000001")
    commit(team.project, "Add a revision")
    green = team.propose("good", "dev").expect("ready")
    assert "IN ORDER, at c0ffee000001" in green.summary
    assert green.annotations == ()

    team.git("checkout", "-q", "-b", "bad", "dev")
    file = edit_revision(team.project, LAST)
    commit(team.project, "Edit what is merged")
    red = team.propose("bad", "dev").expect("blocked")
    if (
        not red.annotations
    ):  # act has lost it twice in some hundred runs, where its machine was busy
        red = team.propose("bad", "dev").expect("blocked")
    assert f"{LAST} 'add users display name' was edited" in red.failed_gates["history"]
    [error] = [each for each in red.annotations if each["level"] == "error"]
    assert error["file"] == file.relative_to(team.project.path).as_posix()
    assert "was edited" in error["message"]
    assert "was edited" in red.summary
    assert team.slack.messages == []
    assert team.github.requests == [], "the checkout has it all"
