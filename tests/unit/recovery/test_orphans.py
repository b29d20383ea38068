"""What has to be taken back so that the files explain a database again."""

from __future__ import annotations

import pytest

from ci_migrate.models import Revision
from ci_migrate.recovery.lost_sources import LostSource
from ci_migrate.recovery.orphans import Orphans, find_orphans
from ci_migrate.revisions.graph import Graph

Edges = dict[str, str]
RAN: Edges = {"base": "", "one": "base", "two": "one"}


def parse(edges: Edges) -> dict[str, Revision]:
    return {
        name: Revision(id=name, parents=(parent,) if parent else ())
        for name, parent in edges.items()
    }


def look(files: Edges, row: str, *, ran: Edges = RAN) -> Orphans:
    """Look at a database at `row`, in which revisions ran as `ran` says."""
    texts = {
        name: LostSource(revision=revision, source="", origin="", executed=None)
        for name, revision in parse(ran).items()
    }
    executed = {name: revision.parents for name, revision in parse(ran).items()}
    return find_orphans(Graph(parse(files).values()), [row], texts.get, executed)


@pytest.mark.parametrize(
    ("files", "taken", "target"),
    [
        pytest.param(RAN, [], ["two"], id="nothing happened"),
        pytest.param({"base": ""}, ["two", "one"], ["base"], id="reset"),
        pytest.param({**RAN, "new": "base", "one": "new"}, ["two", "one"], ["base"], id="rebased"),
        pytest.param({**RAN, "new": "one", "two": "new"}, ["two"], ["one"], id="in between"),
        pytest.param({"base": "", "two": "base"}, ["two", "one"], ["base"], id="one was deleted"),
        pytest.param(
            {"base": "", "two": "base", "one": "two"}, ["two", "one"], ["base"], id="swapped"
        ),
        pytest.param({**RAN, "two": "base"}, ["two"], ["one"], id="beside each other"),
    ],
)
def test_what_is_taken_back(files: Edges, taken: list[str], target: list[str]) -> None:
    found = look(files, "two")
    assert [item.revision.id for item in found.found] == taken
    assert list(found.target) == target
    assert (found.unknown, found.below) == ((), ())


def test_a_lost_one_on_two_that_changed_places() -> None:
    files = {"base": "", "two": "base", "one": "two"}
    found = look(files, "three", ran={**RAN, "three": "two"})
    assert [item.revision.id for item in found.found] == ["three", "two", "one"]
