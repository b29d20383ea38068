"""Two developers, a deleted migration, a reset staging, a bad production release, rollback, fix, promote.

One story through the workflows that users copy, with a GitHub and a Slack of its own. At its end every database,
every ledger, every deployment and every message is looked at.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.action.team import Team, found_team, local_actions
from tests.integration.promote.database import query, read_tables
from tests.projects_builder import commit
from tests.projects_changes import add_revision, delete_revision
from tests.promotion import run_tool

pytestmark = pytest.mark.action
FIRST, SECOND, THIRD = "8f67280c2894", "b82e443fd109", "5c00753421f7"
COUPONS, REVIEWS = "c0ffee000001", "c0ffee000002"
GIFTS, DISCOUNT, MENDED = "c0ffee000003", "c0ffee000004", "c0ffee000005"
NAMES = ("dev", "staging", "production")


@pytest.fixture(
    params=[
        "process-sqlite",
        pytest.param("act-sqlite", marks=pytest.mark.slow),
        pytest.param("act-postgres", marks=pytest.mark.slow),
    ]
)
def team(request, tmp_path: Path, slack, github) -> Team:
    how, database = request.param.split("-")
    actions, python = None, None
    if how == "act":
        request.getfixturevalue("act")
        python = request.getfixturevalue("project_python")
        actions = local_actions(
            *map(request.getfixturevalue, ("action_checkout", "setup_python_stub"))
        )
    if database == "sqlite":
        urls = {name: f"sqlite:///{tmp_path}/{name}.sqlite" for name in NAMES}
    else:
        server = request.getfixturevalue("postgres")
        urls = {name: server.create_database() for name in NAMES}
    team = found_team(
        tmp_path,
        urls=urls,
        slack=slack,
        github=github,
        actions=actions,
        python=python,
    )
    github.state.folder = team.project.path
    return team


def test_from_two_heads_to_a_mended_release(team: Team) -> None:
    merged = two_developers_make_two_heads_and_merge_them(team)
    a_committed_migration_is_deleted_and_comes_back(team, merged)
    staging_is_reset_while_its_revision_is_applied(team, merged)
    a_bad_release_reaches_production_and_is_rolled_back(team, merged)
    what_was_rolled_back_is_held(team)
    a_new_revision_mends_it_in_every_environment(team)
    databases_are_alike(team)
    ledgers_tell_what_ran(team, merged)
    github_was_told_what_is_proved(team)
    slack_was_told_of_every_change(team)


def two_developers_make_two_heads_and_merge_them(team: Team) -> str:
    for name, revision in (("ada", COUPONS), ("grace", REVIEWS)):
        team.git("checkout", "-q", "-b", name, "dev")
        add_revision(team.project, revision, after=THIRD)
        commit(team.project, f"Add {revision}")
    team.git("checkout", "-q", "dev")
    team.git("merge", "-q", "--no-edit", "ada")
    blocked = team.push("dev", from_="grace").expect("blocked")
    assert list(blocked.failed_gates) == ["heads"]
    assert {COUPONS, REVIEWS} <= set(blocked.failed_gates["heads"].replace(",", " ").split())
    assert "alembic merge" in blocked.log

    before = set(team.project.path.rglob("versions/*.py"))
    done = team.at_home("merge")
    assert done.exit_code == 0, done.output
    [file] = set(team.project.path.rglob("versions/*.py")) - before
    commit(team.project, "Merge the two heads")
    merged = file.name[:12]
    promoted = team.push("dev").expect("promoted")
    assert promoted.applied[:3] == [FIRST, SECOND, THIRD]
    assert promoted.applied[-1] == merged
    assert team.push("staging", from_="dev").expect("promoted").applied == promoted.applied
    return merged


def a_committed_migration_is_deleted_and_comes_back(team: Team, merged: str) -> None:
    team.git("checkout", "-q", "-b", "cleanup", "dev")
    delete_revision(team.project, COUPONS)
    commit(team.project, "Tidy up")
    seen = team.propose("cleanup", "dev").expect("blocked")
    assert f"{COUPONS} 'create table_{COUPONS}' was deleted" in seen.log
    # Nobody looked at the check.
    blocked = team.push("dev", from_="cleanup").expect("blocked")
    assert COUPONS in blocked.failed_gates["history"]
    restored = team.at_home("recover", "--environment", "dev", "--restore-file")
    assert restored.exit_code == 0, restored.output
    commit(team.project, "Bring it back")
    team.push("dev").expect("nothing-to-do")


def staging_is_reset_while_its_revision_is_applied(team: Team, merged: str) -> None:
    add_revision(team.project, GIFTS, after=merged)
    release = team.git("rev-parse", "HEAD")
    commit(team.project, "Add gifts")
    team.push("dev").expect("promoted")
    team.push("staging", from_="dev").expect("promoted")

    team.git("reset", "-q", "--hard", release)
    blocked = team.push("staging").expect("blocked")
    assert f"the database is at {GIFTS}" in blocked.failed_gates["history"]
    assert "ci-migrate recover --environment staging --dry-run" in blocked.log
    team.press("recover", "staging", what="show").expect("ready")
    recovered = team.press("recover", "staging", what="take-back").expect("recovered")
    assert recovered.applied == [GIFTS]
    assert query(team.urls["staging"], "SELECT version_num FROM alembic_version") == [(merged,)]


def a_bad_release_reaches_production_and_is_rolled_back(team: Team, merged: str) -> None:
    team.push("main", from_="staging").expect("promoted")
    team.git("checkout", "-q", "dev")
    column = 'op.add_column("users", sa.Column("discount", sa.Integer(), server_default="100"))'
    undo = 'with op.batch_alter_table("users") as batch:\n    batch.drop_column("discount")'
    add_revision(team.project, DISCOUNT, after=GIFTS, upgrade=column, downgrade=undo)
    commit(team.project, "Give everybody a discount of 100 %")
    for branch, before in (("dev", "dev"), ("staging", "dev"), ("main", "staging")):
        released = team.push(branch, from_=before).expect("promoted")
    assert released.applied == [GIFTS, DISCOUNT]

    late = team.press("rollback", "production", expect=GIFTS).expect("blocked")
    assert f"{GIFTS} was expected to be what ran last" in late.log
    back = team.press("rollback", "production", expect=DISCOUNT).expect("rolled-back")
    assert back.applied == [DISCOUNT]
    assert "column users.discount: 1 value" in back.log
    assert "ROLLED BACK by downgrade" in back.summary


def what_was_rolled_back_is_held(team: Team) -> None:
    held = team.push("main").expect("blocked")
    assert list(held.failed_gates) == ["held"]
    status = run_tool(team.project.path, "status", env=team.secrets)
    told = {place["name"]: [each["revision"] for each in place["held"]] for place in status.result}
    assert told == {"dev": [], "staging": [], "production": [DISCOUNT]}


def a_new_revision_mends_it_in_every_environment(team: Team) -> None:
    team.git("checkout", "-q", "dev")
    mend = 'op.execute("UPDATE users SET discount = 0")'
    add_revision(team.project, MENDED, after=DISCOUNT, upgrade=mend)
    commit(team.project, "Give nobody a discount")
    team.push("dev").expect("promoted")
    team.push("staging", from_="dev").expect("promoted")
    assert list(team.push("main", from_="staging").expect("blocked").failed_gates) == ["held"]
    released = team.press("promote", "production", reapply=True).expect("promoted")
    assert released.applied == [DISCOUNT, MENDED]


def databases_are_alike(team: Team) -> None:
    for url in team.urls.values():
        assert query(url, "SELECT version_num FROM alembic_version") == [(MENDED,)]
        assert query(url, "SELECT discount FROM users") == [(0,)]
        made = {f"table_{revision}" for revision in (COUPONS, REVIEWS, GIFTS)}
        assert made | {"users", "orders"} <= read_tables(url)


def ledgers_tell_what_ran(team: Team, merged: str) -> None:
    base = [FIRST, SECOND, THIRD, COUPONS, REVIEWS, merged]
    assert ledger(team, "dev") == [
        ("promote", base), ("promote", [GIFTS]), ("promote", [DISCOUNT]), ("promote", [MENDED]),
    ]  # fmt: skip
    assert ledger(team, "staging") == [
        ("promote", base), ("promote", [GIFTS]), ("recover", [GIFTS]),
        ("promote", [GIFTS, DISCOUNT]), ("promote", [MENDED]),
    ]  # fmt: skip
    assert ledger(team, "production") == [
        ("promote", base), ("promote", [GIFTS, DISCOUNT]), ("rollback", [DISCOUNT]),
        ("promote", [DISCOUNT, MENDED]),
    ]  # fmt: skip


def ledger(team: Team, name: str) -> list[tuple[str, list[str]]]:
    runs = run_tool(team.project.path, "history", "--environment", name, env=team.secrets).result
    assert all(run["backup"] for run in runs), "none without a backup"
    assert {r["outcome"] for run in runs for r in run["revisions"]} == {"executed"}
    return [(run["command"], [r["revision"] for r in run["revisions"]]) for run in runs]


def github_was_told_what_is_proved(team: Team) -> None:
    state = team.github.state
    told = {name: [] for name in NAMES}
    for deployment in reversed(state.deployments):
        payload = deployment["payload"]
        told[deployment["environment"]].append((sorted(payload["executed"]), payload["withdrawn"]))
        assert [s["state"] for s in state.deployment_statuses[deployment["id"]]] == ["success"]
    base = told["dev"][0][0]
    assert len(base) == 6
    assert told["dev"] == [(base, []), ([GIFTS], []), ([DISCOUNT], []), ([MENDED], [])]
    assert told["staging"] == [
        (base, []), ([GIFTS], []), ([], [GIFTS]), ([GIFTS, DISCOUNT], []), ([MENDED], []),
    ]  # fmt: skip
    assert told["production"] == [], "nothing comes after it"


def slack_was_told_of_every_change(team: Team) -> None:
    said = [re.split(r" to | by |[,;]", message["text"])[0] for message in team.slack.messages]
    assert said == [
        "dev: BLOCKED", "dev: PROMOTED", "staging: PROMOTED",
        "dev: BLOCKED",
        "dev: PROMOTED", "staging: PROMOTED", "staging: BLOCKED", "staging: RECOVERED",
        "production: PROMOTED",
        "dev: PROMOTED", "staging: PROMOTED", "production: PROMOTED",
        "production: BLOCKED", "production: ROLLED BACK",
        "production: BLOCKED",
        "dev: PROMOTED", "staging: PROMOTED", "production: BLOCKED", "production: PROMOTED",
    ]  # fmt: skip
    assert "discount" in json.dumps(team.slack.messages[13]), "what the rollback destroyed"
