"""After a failure: whether something changed, and the one right thing to do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_migrate.database.catalog import Snapshot
from ci_migrate.remains import MAYBE
from ci_migrate.story.aftermath import State, advise, is_changed, is_undone
from tests.unit.report.samples import FAILURE, make_pending

ATOMIC = {"bbbb2222": make_pending("bbbb2222")}
NOT_ATOMIC = {"bbbb2222": make_pending("bbbb2222", atomic=False, why_not_atomic="MariaDB")}


def state(*rows: str, tables: tuple[str, ...] = ()) -> State:
    return State(rows=rows, snapshot=Snapshot(frozenset(("relation", "", name) for name in tables)))


def failed(*executed: str) -> Any:
    return replace(FAILURE, executed=executed)


def test_other_rows_are_a_change() -> None:
    assert is_changed(state(), state("aaaa"), FAILURE, ATOMIC)


def test_another_schema_is_a_change() -> None:
    assert is_changed(state(), state(tables=("x",)), FAILURE, ATOMIC)


def test_an_atomic_revision_leaves_nothing_whatever_it_executed() -> None:
    assert not is_changed(state(), state(), failed("INSERT INTO x VALUES (1)"), ATOMIC)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO x VALUES (1)", "update x set y = 1", "\n DELETE FROM x", "WITH a AS (SELECT 1) INSERT INTO x",
     "PRAGMA foreign_keys = OFF", "CALL f()", "/* c */ UPDATE x SET y = 1", "SELECTED"],
)  # fmt: skip
def test_a_statement_that_writes_counts_where_it_cannot_be_seen(statement: str) -> None:
    assert is_changed(state(), state(), failed("SELECT 1", statement), NOT_ATOMIC)


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1", "  select now()", "SHOW TABLES", "PRAGMA table_info(users)", "PRAGMA user_version",
     "EXPLAIN SELECT 1", "DESCRIBE users"],
)  # fmt: skip
def test_a_statement_that_reads_changes_nothing(statement: str) -> None:
    assert not is_changed(state(), state(), failed(statement), NOT_ATOMIC)


def test_a_failure_of_no_revision_changed_nothing_that_is_not_seen() -> None:
    assert not is_changed(state(), state(), replace(failed("INSERT"), revision=None), NOT_ATOMIC)


def advice(changed: bool, pending: dict[str, Any], **more: Any) -> str:
    values = {"rows": ("aaaa1111",), "failure": FAILURE, "restore": "", "tables": (), "moved": True}
    return advise(changed=changed, pending=pending, **{**values, **more})


def test_unchanged_says_so_and_names_the_file() -> None:
    text = advice(False, ATOMIC)
    assert text.startswith("The database is as this run found it.")
    assert "bbbb2222 (migrations/versions/bbbb2222_x.py)" in text


def test_between_two_revisions_the_next_run_goes_on() -> None:
    text = advice(True, ATOMIC, restore="cp backup")
    assert "The database is at aaaa1111, whole; nothing of bbbb2222 is in it." in text
    assert "goes on from there" in text
    assert "cp backup" not in text, "nothing has to be restored"


@pytest.mark.parametrize(
    ("pending", "moved", "present", "undone"),
    [
        (ATOMIC, True, {"aaaa1111"}, True),
        (NOT_ATOMIC, True, {"aaaa1111"}, False),
        (ATOMIC, False, {"aaaa1111"}, False),
        (ATOMIC, True, {"bbbb2222"}, False),
    ],
)
def test_what_was_rolled_back_is_not_told_as_left(
    pending: dict[str, Any], moved: bool, present: set[str], undone: bool
) -> None:
    assert is_undone(FAILURE, pending, moved=moved, present=present) is undone


def test_what_changed_beside_the_transaction_is_named_and_not_called_whole() -> None:
    text = advice(True, ATOMIC, moved=False, tables=("public.tt",), restore="cp backup db")
    assert "whole" not in text
    assert "the database has changed in this run: public.tt." in text
    assert text.endswith("Bring the backup back, then correct it and push again:\ncp backup db")
    # Where revisions before it went in, they have changed tables, too.
    assert "whole" in advice(True, ATOMIC, moved=True, tables=("public.tt",))


def test_a_revision_that_was_stopped_after_its_version_row_is_whole() -> None:
    stopped = replace(failed("CREATE TABLE x (y integer)"), kind="interrupted")
    text = advice(
        True,
        NOT_ATOMIC,
        failure=stopped,
        rows=("bbbb2222",),
        restore="cp backup",
        present=("bbbb2222",),
    )
    assert text == "The database is at bbbb2222, whole. Start the run again: it goes on from there."


def test_an_index_that_was_built_is_not_taken_for_nothing() -> None:
    build = "CREATE INDEX CONCURRENTLY a ON t (x)"
    whole = advice(True, NOT_ATOMIC, failure=failed(build), invalid=("b",))
    assert "parts of bbbb2222 are in the database" in whole
    cut = advice(True, NOT_ATOMIC, failure=failed(f"{build} {MAYBE}"), invalid=("a",))
    assert "all that is left of bbbb2222 is an index" in cut


@pytest.mark.parametrize("executed", [(), ("SELECT 1", 'PRAGMA main.table_xinfo("users")')])
def test_a_revision_that_wrote_nothing_left_nothing(executed: tuple[str, ...]) -> None:
    assert "whole" in advice(True, NOT_ATOMIC, failure=failed(*executed))


def test_half_a_revision_says_what_changed_and_how_to_restore() -> None:
    text = advice(True, NOT_ATOMIC, restore="cp backup db", tables=("extra", "orders"))
    assert "The version row says aaaa1111, but parts of bbbb2222 are in the database." in text
    assert "extra, orders." in text
    assert text.endswith("\ncp backup db")


def test_half_a_revision_without_a_backup_is_mended_by_hand() -> None:
    assert "by hand" in advice(True, NOT_ATOMIC)


def test_an_empty_database_is_at_base() -> None:
    assert "The version row says base" in advice(True, NOT_ATOMIC, rows=())
