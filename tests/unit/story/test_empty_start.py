"""After a failure on an empty database: whether the history may begin with a schema that it does not make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_migrate.models import Plan
from ci_migrate.story.aftermath import State
from ci_migrate.story.empty_start import advise_on_missing_schema
from tests.projects_changes import render_revision
from tests.unit.report.samples import FAILURE, make_pending
from tests.unit.story.test_aftermath import state

EMPTY = state()


def pending(revision: str, upgrade: str = "pass") -> Any:
    return make_pending(
        revision, source=render_revision(revision, parents=None, message="m", upgrade=upgrade)
    )


def plan(*items: Any, direction: str = "upgrade") -> Plan:
    return Plan(current=(), target=("bbbb2222",), pending=items, direction=direction)


ALTERS = pending("bbbb2222", 'op.add_column("metrics", sa.Column("step", sa.Integer()))')
CREATES = pending("aaaa1111", 'op.create_table("users")')
CREATES_ALL = pending("aaaa1111", "metadata.create_all(op.get_bind())")
LATER = pending("cccc3333", 'op.create_table("users")')


@pytest.mark.parametrize("items", [(ALTERS,), (pending("aaaa1111"), ALTERS), (ALTERS, LATER)])
def test_the_first_revision_that_names_a_table_may_expect_one(items: tuple[Any, ...]) -> None:
    text = advise_on_missing_schema(EMPTY, EMPTY, plan(*items), FAILURE)
    assert text.endswith("Otherwise: ")
    assert "If bbbb2222 expects tables that no revision makes" in text
    assert "`migrations.command`" in text


def test_what_is_half_applied_is_undone_in_either_case() -> None:
    text = advise_on_missing_schema(EMPTY, state(tables=("users",)), plan(ALTERS), FAILURE)
    assert text.endswith("Either way: ")


@pytest.mark.parametrize(
    ("before", "planned", "failure"),
    [
        (EMPTY, plan(CREATES, ALTERS), FAILURE),
        (EMPTY, plan(CREATES_ALL, ALTERS), FAILURE),
        (state("aaaa1111"), plan(ALTERS), FAILURE),
        (state(tables=("metrics",)), plan(ALTERS), FAILURE),
        (EMPTY, plan(ALTERS), replace(FAILURE, kind="lock-timeout")),
        (EMPTY, plan(ALTERS), replace(FAILURE, revision=None)),
        (EMPTY, plan(ALTERS, direction="downgrade"), FAILURE),
    ],
)
def test_any_other_failure_is_not_told_so(before: State, planned: Plan, failure: Any) -> None:
    assert advise_on_missing_schema(before, EMPTY, planned, failure) == ""
