"""Real projects, promoted from an empty database: the same schema and rows as by their own tool."""

from __future__ import annotations

import time

import pytest

from tests.conftest import POSTGRES
from tests.real.catalog import PROMOTED, RealProject
from tests.real.conftest import MakeWorkplace
from tests.real.schema import read_rows, read_schema

CASES = [
    (project, dialect)
    for project in PROMOTED
    for dialect in project.schemes
    if dialect not in project.fails_on
]


@pytest.mark.real
@pytest.mark.parametrize(
    ("project", "dialect"), CASES, ids=[f"{project.name}-{dialect}" for project, dialect in CASES]
)
def test_promotes_as_the_projects_own_tool_does(
    project: RealProject, dialect: str, make: MakeWorkplace
) -> None:
    ours, plain = make(project, dialect, "ours"), make(project, dialect, "plain")
    done = plain.upgrade_plainly()
    assert done.returncode == 0, done.stdout

    began = time.monotonic()
    ran = ours.promote()
    seconds = time.monotonic() - began
    print(f"{project.name} on {dialect}: {len(ran.result.get('applied', []))} in {seconds:.1f} s")

    print(ran.output)
    assert ran.exit_code == 0, ran.output
    assert ran.outcome == "promoted", ran.output
    rows = read_rows(ours.url, POSTGRES)
    assert rows == read_rows(plain.url, POSTGRES)
    assert sorted(ran.result["to"]) == rows
    assert len(rows) == project.heads
    assert read_schema(ours.url, POSTGRES) == read_schema(plain.url, POSTGRES)
    assert len(ran.result["applied"]) == len(ran.result["pending"]) > 0
    assert ran.result["backup"]["bytes"] > 0
    assert seconds < project.seconds

    again = ours.promote()
    assert again.exit_code == 0, again.output
    assert again.outcome == "nothing-to-do", again.output
    assert again.result["applied"] == []
    assert read_rows(ours.url, POSTGRES) == rows
