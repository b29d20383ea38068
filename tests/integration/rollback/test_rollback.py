"""A rollback takes back exactly the revision that ran last, and holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import query, read_rows, read_tables, run_statements
from tests.integration.promote.shop import NAMES, build_shop, gates, message
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import Project, commit, find_revision, run_git
from tests.projects_changes import edit_revision
from tests.promotion import type_at_terminal

CREATE_USERS, CREATE_ORDERS, ADD_NAME = "8f67280c2894", "b82e443fd109", "5c00753421f7"


def rows(place: Place) -> list[str]:
    return read_rows(place.url, place.project.situation)


def held(place: Place) -> tuple[str, str]:
    [found] = place.run("status").result[0]["held"]
    return found["revision"], found["state"]


@pytest.mark.slow_on("sqlite", "mariadb")
def test_it_takes_back_what_ran_last_and_holds_it(database_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", database_url)
    run_statements(place.url, ["UPDATE users SET display_name = 'Ada'"])
    done = place.roll_back("--expect", ADD_NAME)
    assert (done.outcome, done.exit_code) == ("rolled-back", 0), done.output
    assert rows(place) == [CREATE_ORDERS]
    assert done.result["command"] == "rollback"
    assert (done.result["from"], done.result["reached"]) == ([ADD_NAME], [CREATE_ORDERS])
    assert [item["revision"] for item in done.result["applied"]] == [ADD_NAME]
    assert any("column users.display_name: 1 value" in text for text in done.result["warnings"])
    assert done.result["backup"]["bytes"] > 0
    blocked = place.run("promote")
    assert (blocked.outcome, gates(blocked)["held"]) == ("blocked", "failed"), blocked.output
    assert (
        f"held: {ADD_NAME} 'add users display name', rolled back 20" in place.run("status").output
    )
    again = place.run("promote", "--reapply")
    assert again.outcome == "promoted", again.output
    # It has run once more: a later promotion is not held by the rollback of before.
    assert place.run("promote").outcome == "nothing-to-do"
    assert place.run("status").result[0]["held"] == []
    assert query(place.url, "SELECT display_name FROM users") == [("The Shop",)]


@pytest.mark.slow
def test_a_changed_file_is_not_held(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url)
    place.roll_back()
    file = place.file(ADD_NAME)
    file.write_text(f"# only a comment\n{file.read_text('utf-8')}", "utf-8")
    assert gates(place.run("promote"))["held"] == "failed"
    assert held(place) == (ADD_NAME, "blocks")
    file.rename(tmp_path / "away")
    assert held(place) == (ADD_NAME, "absent")
    (tmp_path / "away").rename(file)
    place.edit(ADD_NAME, "display_name", "shown_name")
    assert held(place) == (ADD_NAME, "changed")
    assert place.run("promote").outcome == "promoted"
    assert query(place.url, "SELECT shown_name FROM users") == [("The Shop",)]


@pytest.mark.slow
def test_the_next_environment_does_not_take_what_was_rolled_back(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    assert shop.promote("dev").outcome == "promoted"
    done = shop.run("rollback", "--environment", "dev", "--expect", ADD_NAME)
    assert done.outcome == "rolled-back", done.output
    blocked = shop.promote("staging")
    assert gates(blocked)["order"] == "failed"
    assert f"dev has not executed {ADD_NAME}" in message(blocked, "order")


@pytest.mark.slow
def test_one_after_the_other_down_to_base(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url)
    for left in ([CREATE_ORDERS], [CREATE_USERS], []):
        assert place.roll_back().outcome == "rolled-back"
        assert rows(place) == left
    assert "users" not in read_tables(place.url)
    empty = place.roll_back()
    assert (empty.outcome, empty.exit_code) == ("blocked", 3)
    assert "no revision that ci-migrate ran" in empty.result["error"]["message"]


REFUSED = [
    ((), 2, "no terminal to ask at"),
    (("--confirm", "staging"), 2, "--confirm says 'staging'"),
    (("--expect", CREATE_ORDERS), 3, "expected to be what ran last, but that is 5c00753421f7"),
    (("--confirm", "dev", "--steps", "2"), 2, "a rollback takes back one revision"),
]


def test_what_is_not_meant_is_refused(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url)
    for arguments, code, says in REFUSED:
        refused = place.run("rollback", *arguments)
        assert refused.exit_code == code, refused.output
        assert says in refused.output
    assert rows(place) == [ADD_NAME]


@pytest.mark.slow
def test_what_the_ledger_does_not_explain_is_refused(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url)
    run_statements(place.url, [f"UPDATE alembic_version SET version_num = '{CREATE_USERS}'"])
    refused = place.roll_back()
    assert refused.exit_code == 3
    assert "something else took it back" in refused.result["error"]["message"]


@pytest.mark.slow
def test_a_file_that_is_not_what_ran_is_refused(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url)
    text = place.file(ADD_NAME).read_text("utf-8")
    place.edit(ADD_NAME, "sa.String(", "sa.Unicode(")
    assert "was edited since" in place.roll_back().result["error"]["message"]
    advised = place.run("rollback", "--advise")
    assert (advised.exit_code, "was edited since" in advised.output) == (0, True), advised.output
    assert [way["possible"] for way in advised.result["ways"]] == [False, True, True]
    up, mark, down = text.partition("def downgrade")
    place.file(ADD_NAME).write_text(up + mark + down.replace("    ", "    _ = 1\n    ", 1), "utf-8")
    done = place.roll_back()
    assert done.outcome == "rolled-back", done.output
    assert any("was edited since" in text for text in done.result["warnings"])
    place.file(CREATE_ORDERS).unlink()
    gone = place.roll_back()
    assert "no revision file of this work tree has it" in gone.result["error"]["message"]
    advised = place.run("rollback", "--advise")
    assert (advised.exit_code, advised.result["revision"]) == (0, CREATE_ORDERS), advised.output
    assert advised.result["ways"][1]["possible"] is True


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("    pass", "does nothing"),
        pytest.param("    raise ValueError", "raises ValueError", marks=pytest.mark.slow),
        pytest.param(None, "has no downgrade()", marks=pytest.mark.slow),
    ],
)
def test_an_irreversible_revision_is_told_before_anything_happens(
    body: str | None, why: str, either_url: str, tmp_path: Path
) -> None:
    place = build_place(tmp_path / "work", either_url)
    text = place.file(ADD_NAME).read_text("utf-8").partition("def downgrade")[0]
    end = f"def downgrade() -> None:\n{body}\n" if body else ""
    place.file(ADD_NAME).write_text(text + end, "utf-8")
    refused = place.roll_back()
    assert (refused.outcome, gates(refused)["reversible"]) == ("blocked", "failed"), refused.output
    assert why in message(refused, "reversible")
    assert refused.result["backup"] is None
    told = refused.result["next"]
    assert "1. take it back by its downgrade(): NOT POSSIBLE" in told
    assert "ci-migrate backup restore --environment dev dev-20" in told
    assert "3. leave it, and mend it by a new revision" in refused.output
    advice = place.run("rollback", "--advise").result
    ways = {way["name"]: way for way in advice["ways"]}
    assert [ways[name]["possible"] for name in ways] == [False, True, True]
    assert why in ways["downgrade"]["price"]


@pytest.mark.slow
def test_the_advice_names_each_price_and_changes_nothing(database_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", database_url)
    place.roll_back()
    run_statements(place.url, ["INSERT INTO orders (id, user_id, total) VALUES (7, 1, 1)"])
    told = place.run("rollback", "--advise")
    assert told.exit_code == 0, told.output
    ways = {way["name"]: way for way in told.result["ways"]}
    assert ways["downgrade"]["losses"] == [{"table": "orders", "column": None, "rows": 1}]
    assert f"--expect {CREATE_ORDERS}" in ways["downgrade"]["command"]
    assert "the promote of 20" in ways["restore"]["price"]
    assert "ci-migrate backup restore --environment dev dev-20" in ways["restore"]["command"]
    assert "table orders: 1 row" in told.output
    assert rows(place) == [CREATE_ORDERS]
    assert query(place.url, "SELECT count(*) FROM orders") == [(1,)]


def test_what_the_text_does_not_tell_is_told_before(either_url: str, tmp_path: Path) -> None:
    def loop(project: Project) -> None:
        edit = 'for name in ("full_name",):\n        op.execute(f"ALTER TABLE users DROP COLUMN {name}")'
        file = find_revision(project, ADD_NAME)
        head, _, _ = file.read_text("utf-8").partition("def downgrade() -> None:\n")
        file.write_text(f"{head}def downgrade() -> None:\n    {edit}\n", "utf-8")

    place = build_place(tmp_path / "work", either_url, change=loop)
    told = place.run("rollback", "--advise")
    assert "1 of its drops name nothing that the text tells: read them before" in told.output
    assert "drops no table" not in told.output
    done = place.roll_back()
    assert done.outcome == "rolled-back", done.output
    assert any("1 of its drops name nothing" in text for text in done.result["warnings"])


def test_the_name_is_typed_at_a_terminal(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url)
    for typed, code in (("prod", 3), ("\x04", 3), ("dev", 0)):
        done, output = type_at_terminal(
            place.project.path, typed, "rollback", "--environment", "dev", env=place.env
        )
        assert done == code, output
        assert f"Type dev to take back {ADD_NAME}" in output
        assert rows(place) == ([CREATE_ORDERS] if code == 0 else [ADD_NAME])


@pytest.mark.slow
@pytest.mark.newest
def test_a_corrected_file_goes_through_once_it_was_rolled_back_everywhere(tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    commit(shop.project, "configure")
    for branch in NAMES:
        assert shop.promote(branch).outcome == "promoted"
    back = shop.run("rollback", "--environment", "production", "--expect", ADD_NAME)
    assert "mend it by a new revision" in back.result["next"]
    held = shop.promote("production")
    assert f"{NAMES[1]} has run it as it is, and has to roll it back first" in held.output
    edit_revision(shop.project, ADD_NAME)
    refused = shop.promote("dev")
    assert gates(refused)["history"] == "failed"
    assert (
        f"roll it back in every environment that ran it (ci-migrate rollback --expect {ADD_NAME})"
        in (refused.output)
    )
    late = shop.run("rollback", "--environment", "dev", "--expect", ADD_NAME)
    assert "Bring the old content back" in late.output, "it is not what ran"
    run_git(shop.project, "checkout", "-q", "--", "migrations")
    for name in ("staging", "dev"):
        done = shop.run("rollback", "--environment", name, "--expect", ADD_NAME)
        assert done.outcome == "rolled-back", done.output
    edit_revision(shop.project, ADD_NAME)
    for branch in NAMES:
        ran = shop.promote(branch)
        assert ran.outcome == "promoted", ran.output
        assert [item["revision"] for item in ran.result["applied"]] == [ADD_NAME]
