"""What is pending, and whether it arrived."""

from __future__ import annotations

from typing import Any

import pytest

from ci_migrate.errors import ExitCode, NotVerifiedError
from ci_migrate.models import Remains, Revision
from ci_migrate.pending_revision import PendingRevision
from ci_migrate.plan import build_plan
from ci_migrate.revisions.graph import Graph
from ci_migrate.verify import verify_target
from tests.unit.report.samples import make_pending

GRAPH = Graph(
    [
        Revision(id="aaaa"),
        Revision(id="bbbb", parents=("aaaa",)),
        Revision(id="cccc", parents=("bbbb",)),
        Revision(id="side", depends_on=("bbbb",)),
    ]
)


def describe(revision: Revision) -> PendingRevision:
    return make_pending(revision.id, revision.message)


@pytest.mark.parametrize(
    ("rows", "pending"),
    [
        ((), ["aaaa", "bbbb", "cccc", "side"]),
        (("aaaa",), ["bbbb", "cccc", "side"]),
        (("cccc",), ["side"]),
        (("side",), ["cccc"]),
        (("cccc", "side"), []),
        (("unknown", "cccc"), ["side"]),
    ],
)
def test_pending_is_what_the_heads_need_and_the_rows_lack(
    rows: tuple[str, ...], pending: list[str]
) -> None:
    plan = build_plan(GRAPH, rows, describe)
    assert [item.revision for item in plan.pending] == pending
    assert plan.current == rows
    assert plan.target == ("cccc", "side")


def test_one_row_can_stand_for_two_heads() -> None:
    graph = Graph([Revision(id="aaaa"), Revision(id="bbbb", depends_on=("aaaa",))])
    plan = build_plan(graph, ("bbbb",), describe)
    assert (plan.target, plan.pending) == (("bbbb",), ())


def test_an_empty_history_plans_nothing() -> None:
    plan = build_plan(Graph([]), (), describe)
    assert (plan.target, plan.pending) == ((), ())


def verify(*rows: str, external: bool = False, **more: Any) -> None:
    plan = build_plan(GRAPH, (), describe)
    verify_target(rows, plan, GRAPH, external_transaction=external, **more)


def test_the_target_is_verified() -> None:
    verify("cccc", "side")


@pytest.mark.parametrize("rows", [(), ("cccc",), ("bbbb", "side"), ("cccc", "side", "unknown")])
def test_anything_else_is_not(rows: tuple[str, ...]) -> None:
    with pytest.raises(NotVerifiedError) as error:
        verify(*rows)
    assert error.value.exit_code is ExitCode.NOT_VERIFIED
    assert f"reads {', '.join(rows) or 'no row'} instead of cccc, side" in error.value.message
    assert "context.configure" not in error.value.message


def test_sql_before_configure_is_explained_where_it_was_seen() -> None:
    with pytest.raises(NotVerifiedError, match=r"before it called context\.configure") as error:
        verify(external=True)
    assert "connection.commit()" in (error.value.next_step or "")


@pytest.mark.parametrize("restore", ["", "cp backup database"])
def test_what_commits_by_itself_is_told_with_the_way_out(restore: str) -> None:
    left = [Remains(revision="bbbb", executed=("CREATE TABLE t (a int)",))]
    with pytest.raises(NotVerifiedError) as error:
        verify("aaaa", external=True, left=left, restore=restore)
    assert "keeps none" not in error.value.message
    assert "of bbbb there ran: CREATE TABLE t (a int)" in error.value.message
    advice = error.value.next_step or ""
    assert "ci-migrate recover --dry-run" in advice
    back = f"Bring the backup back otherwise:\n{restore}\nThen commit" if restore else "by hand"
    assert back in advice
    assert advice.endswith("push again.")
