"""What a promotion by re-parented files would pass over, or run a second time."""

from __future__ import annotations

from ci_migrate.models import Revision
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.moves import find_accepted, find_again, find_skipped


def graph(*edges: tuple[str, str]) -> Graph:
    """Return the graph of pairs of a revision and its parent; no parent is a base."""
    return Graph(Revision(id=name, parents=(parent,) if parent else ()) for name, parent in edges)


RAN = {"base": (), "one": ("base",), "two": ("one",)}


def test_a_new_revision_below_one_that_ran_is_skipped() -> None:
    files = graph(("base", ""), ("new", "base"), ("one", "new"), ("two", "one"))
    assert find_skipped("one", RAN, files) == ("new",)
    assert find_accepted(["one"], RAN, files, []) == set()


def test_a_squashed_history_skips_nothing() -> None:
    files = graph(("squashed", ""), ("two", "squashed"))
    assert find_skipped("two", RAN, files) == ()
    assert find_accepted(["two", "gone"], RAN, files, []) == {"two"}


def test_what_is_no_longer_below_runs_again() -> None:
    assert find_again("two", RAN, ["one"]) == ("one",)
    assert find_again("one", RAN, ["one"]) == (), "it is not applied, by the files"
    swapped = graph(("base", ""), ("two", "base"), ("one", "two"))
    assert find_accepted(["one", "two"], RAN, swapped, ["one"]) == {"one"}
