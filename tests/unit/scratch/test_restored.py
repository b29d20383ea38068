"""A restored copy is compared with what was dumped: every difference is named, and nothing that may differ."""

from __future__ import annotations

import pytest

from ci_migrate.database.contents import Contents, Name
from ci_migrate.database.source import Source
from ci_migrate.scratch.restored import describe_proof, find_differences

ORDERS: Name = ("public", "orders")
USERS: Name = ("public", "users")
NUMBERS: Name = ("public", "orders_id_seq")


def contents(rows: dict[Name, int] | None = None, numbers: int | None = 7) -> Contents:
    return Contents(
        rows={ORDERS: 10, USERS: 2} if rows is None else rows,
        sequences={} if numbers is None else {NUMBERS: numbers},
    )


def source(after: Contents | None = None, written: tuple[Name, ...] = ()) -> Source:
    return Source(before=contents(), after=after or contents(), written=frozenset(written))


def test_a_copy_that_holds_all_has_no_difference() -> None:
    assert find_differences(source(), contents()) == ()


@pytest.mark.parametrize(
    ("copy", "says"),
    [
        (contents({ORDERS: 10}), "1 of 2 tables are missing: public.users"),
        (contents({ORDERS: 9, USERS: 2}), "public.orders has 9 rows instead of 10"),
        (contents({ORDERS: 10, USERS: 2, ("x", "y"): 0}), "does not have: x.y"),
        (contents(numbers=8), "the sequence public.orders_id_seq is at 8 instead of 7"),
        (contents(numbers=None), "public.orders_id_seq is at its beginning instead of 7"),
    ],
)
def test_every_difference_is_named(copy: Contents, says: str) -> None:
    (told,) = find_differences(source(), copy)
    assert says in told


def test_a_sequence_may_have_gone_on_while_the_dump_was_made() -> None:
    went_on = source(after=contents(numbers=12))
    assert find_differences(went_on, contents(numbers=9)) == ()
    assert len(find_differences(went_on, contents(numbers=13))) == 1
    assert len(find_differences(went_on, contents(numbers=6))) == 1


def test_rows_of_a_table_that_was_written_meanwhile_are_not_compared_but_must_not_be_gone() -> None:
    busy = source(after=contents({ORDERS: 12, USERS: 2}), written=(ORDERS,))
    assert find_differences(busy, contents({ORDERS: 11, USERS: 2})) == ()
    assert find_differences(busy, contents({ORDERS: 13, USERS: 2})) == ()
    assert len(find_differences(busy, contents({ORDERS: 0, USERS: 2}))) == 1
    assert "but for the rows of public.orders" in describe_proof(busy, "a copy")


def test_a_table_that_was_dropped_or_made_meanwhile_may_be_there_or_not() -> None:
    dropped = source(after=contents({ORDERS: 10}))
    assert find_differences(dropped, contents({ORDERS: 10})) == ()
    assert find_differences(dropped, contents()) == ()
    made = source(after=contents({ORDERS: 10, USERS: 2, ("public", "new"): 1}))
    assert find_differences(made, contents({ORDERS: 10, USERS: 2, ("public", "new"): 1})) == ()


def test_what_the_dump_was_told_to_leave_out_is_not_missed() -> None:
    partly = source()
    partly.leave_only([ORDERS])
    assert find_differences(partly, contents({ORDERS: 10}, numbers=None)) == ()
