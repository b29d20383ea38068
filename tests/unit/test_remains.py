"""What revisions leave behind, as text in the ledger."""

from __future__ import annotations

import json

import pytest

from ci_migrate.models import Remains
from ci_migrate.remains import (
    MOST_STATEMENTS,
    carry_remains,
    decode_remains,
    describe_remains,
    encode_remains,
    find_remains,
    is_reading,
    only_carried,
)


def round_trip(*executed: str, begun: str | None = None) -> Remains:
    text = encode_remains([Remains(revision="a", executed=executed, begun=begun)], str)
    return decode_remains(text)[0]


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1", " show tables", "PRAGMA table_info(x)", "PRAGMA user_version", "PRAGMA busy_timeout = 5",
     'PRAGMA main.table_xinfo("builders")', "PRAGMA temp.user_version;",
     "SET LOCAL lock_timeout = 1", "EXPLAIN x", "describe t"],
)  # fmt: skip
def test_what_only_reads_or_sets_is_nothing_that_remains(statement: str) -> None:
    assert is_reading(statement)
    assert find_remains("a", [statement, "DROP TABLE x"], None).executed == ("DROP TABLE x",)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x",
        "PRAGMA user_version = 5",
        "PRAGMA main.user_version(5)",
        "UPDATE x",
        "COMMIT",
    ],
)
def test_everything_else_may_remain(statement: str) -> None:
    assert not is_reading(statement)


def test_remains_come_back_as_they_were_written() -> None:
    assert round_trip("CREATE TABLE x", "INSERT", begun="ALTER") == Remains(
        revision="a", executed=("CREATE TABLE x", "INSERT"), begun="ALTER"
    )
    assert decode_remains(None) == ()


def test_a_loop_is_told_once_and_a_long_revision_by_its_end() -> None:
    assert round_trip(*["INSERT 1"] * 1000, "DROP").executed == ("INSERT 1 (1000 times)", "DROP")
    told = round_trip(*[f"INSERT {number}" for number in range(1000)]).executed
    assert len(told) == MOST_STATEMENTS + 1
    assert told[0] == "(950 statements before these)"
    assert told[-1] == "INSERT 999"


def test_secrets_are_taken_out_before_statements_are_cut() -> None:
    secret = "CREATE USER x IDENTIFIED BY '" + "s" * 400 + "'"
    text = encode_remains(
        [find_remains("a", [secret], secret)], lambda s: s.replace("s" * 400, "***")
    )
    assert "ss" not in text
    assert text.count("***") == 2


def test_the_doubt_about_the_last_statement_is_told() -> None:
    said = describe_remains(Remains(revision="a", executed=(), begun="ALTER TABLE x"))
    assert said == (
        "of a there ran: nothing; then began, and may or may not have been carried out: ALTER TABLE x"
    )


def test_what_a_run_carries_of_earlier_ones_is_told_from_its_own() -> None:
    own = encode_remains([find_remains("bbbb", ["CREATE TABLE t (a int)"], None)], str)
    assert only_carried(own) is None
    assert only_carried(None) is None
    carried = carry_remains(own, "run-1")
    both = json.dumps({**json.loads(carried), "cccc": {"executed": [], "begun": "x"}})
    assert only_carried(both) == carried
