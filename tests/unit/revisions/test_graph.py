"""The graph of revisions, whole and broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.models import Revision
from ci_migrate.revisions.graph import Graph


def rev(
    id_: str, *parents: str, deps: tuple[str, ...] = (), labels: tuple[str, ...] = ()
) -> Revision:
    return Revision(id=id_, parents=parents, depends_on=deps, labels=labels, file=f"v/{id_}.py")


#     a1 ─ a2 ─ a3        (label left)
#            ╲
#     b1 ─ b2 ─ m4        (b1: label right; m4 merges a2 and b2)
#     d1 depends on a3
FOREST = [
    rev("m4", "a2", "b2"),
    rev("b2", "b1"),
    rev("a3", "a2"),
    rev("a2", "a1"),
    rev("a1", labels=("left",)),
    rev("b1", labels=("right",)),
    rev("d1", deps=("a3",)),
]


def test_heads() -> None:
    graph = Graph(FOREST)
    assert graph.heads() == ("a3", "d1", "m4")
    assert graph.real_heads(graph.heads()) == ("d1", "m4")
    assert graph.real_heads(["a1", "a2", "b1", "gone"]) == ("a2", "b1")
    assert Graph([]).heads() == Graph([]).pending((), ()) == ()


def test_pending_is_in_a_fixed_order_parents_first() -> None:
    graph = Graph(FOREST)
    expected = ("a1", "a2", "a3", "d1", "b1", "b2", "m4")
    assert graph.pending((), graph.heads()) == expected
    assert Graph(reversed(FOREST)).pending((), reversed(graph.heads())) == expected
    assert graph.pending(("a2", "b1"), ("m4",)) == ("b2", "m4")
    assert graph.pending(("d1",), ("a3", "m4")) == ("b1", "b2", "m4")
    assert graph.pending(("m4",), ("m4",)) == ()
    assert graph.pending(("gone",), ("a1",)) == ("a1",)


def test_rows() -> None:
    graph = Graph(FOREST)
    assert graph.unknown(["a1", "zz", "zz", "yy"]) == ("zz", "yy")
    assert graph.overlapping(["a3", "m4"]) == ()
    assert graph.overlapping(["a1", "a3", "d1", "zz"]) == (
        ("a1", "a3"),
        ("a1", "d1"),
        ("a3", "d1"),
    )


def test_covers() -> None:
    graph = Graph(FOREST)
    assert graph.covers("left", "a3")
    assert graph.covers("left", "m4")
    assert graph.covers("right", "m4")
    assert graph.covers("a3", "a3")
    assert not graph.covers("right", "a3")
    assert not graph.covers("left", "d1"), "a dependency makes no branch"
    assert not graph.covers("nothing", "a3")


def test_resolve() -> None:
    graph = Graph([rev("abcd1"), rev("abcd2"), rev("efgh1", labels=("abc",))])
    assert graph.resolve("abcd1") == "abcd1"
    assert graph.resolve("abc") == "efgh1"
    assert graph.resolve("efgh") == "efgh1"
    assert graph.resolve("efg") is None, "Alembic wants four characters"
    assert graph.resolve("abcd") is None


def messages(*revisions: Revision, id_limit: int | None = 32) -> list[str]:
    return [problem.message for problem in Graph(revisions).problems(id_limit)]


def test_no_problems() -> None:
    assert Graph(FOREST).problems() == ()


@pytest.mark.parametrize(
    ("revisions", "words"),
    [
        ([rev("a"), Revision(id="a", file="v/copy.py")], ["2 files", "v/a.py", "v/copy.py"]),
        ([rev("a", "gone")], ["a (v/a.py)", "gone"]),
        ([rev("a", deps=("gone",))], ["depends on gone"]),
        ([rev("abcdef"), rev("b", deps=("abcd",))], ["depends on abcd"]),
        ([rev("a", "a")], ["names itself in down_revision"]),
        ([rev("a", deps=("a",))], ["names itself in depends_on"]),
        ([rev("a", labels=("x",), deps=("x",))], ["names itself in depends_on"]),
        ([rev("x"), rev("a", "c"), rev("b", "a"), rev("c", "b")], ["circle: a, b, c"]),
        ([rev("a", deps=("b",)), rev("b", "a")], ["circle: a, b"]),
        ([rev("0" * 33)], ["33 characters", "holds 32"]),
        ([rev("a-b@c")], ["contains - @"]),
        ([rev("a", labels=("x",)), rev("b", "a", labels=("x",))], ["'x'", "a (v/a.py) has too"]),
        ([rev("a", labels=("x", "x"))], ["it has already"]),
        ([rev("a"), rev("b", "a", labels=("a",))], ["label 'a'", "has too"]),
    ],
)
def test_problem(revisions: list[Revision], words: list[str]) -> None:
    problems = Graph(revisions).problems()
    assert len(problems) == 1, problems
    assert all(word in problems[0].message for word in words), problems[0]
    assert problems[0].file
    assert problems[0].next_step


def test_id_limit() -> None:
    long = rev("0" * 40)
    assert messages(long, id_limit=40) == messages(long, id_limit=None) == []
    assert len(messages(long, id_limit=39)) == 1


def test_long_cycles_are_shortened() -> None:
    ring = [rev(f"{n:03d}", f"{(n - 1) % 50:03d}") for n in range(50)]
    (message,) = messages(*ring)
    assert message.startswith("50 revisions")
    assert message.endswith("and 40 more")


def test_a_long_chain_needs_no_recursion() -> None:
    chain = [rev(f"{n:05d}", *([f"{n - 1:05d}"] if n else [])) for n in range(5_000)]
    graph = Graph(reversed(chain))
    assert graph.pending((), graph.heads()) == tuple(r.id for r in chain)
    assert graph.problems() == ()


names = st.sampled_from("abcdef")
broken = st.lists(
    st.builds(
        Revision,
        id=names,
        parents=st.lists(names, max_size=3).map(tuple),
        depends_on=st.lists(names | st.just("x"), max_size=2).map(tuple),
        labels=st.lists(st.sampled_from("xya"), max_size=2).map(tuple),
    ),
    max_size=8,
)


@given(broken, st.lists(names, max_size=3))
def test_broken_graphs_never_raise(revisions: list[Revision], rows: list[str]) -> None:
    graph = Graph(revisions)
    pending = graph.pending(rows, graph.heads())
    assert len(set(pending)) == len(pending)
    assert not set(pending) & graph.ancestors(rows)
    graph.overlapping(rows)
    graph.real_heads(rows)
    assert graph.covers("a", "b") in {True, False}
    ids = [revision.id for revision in revisions]
    if len(set(ids)) == len(ids) and not graph.problems():
        seen: set[str] = set()
        for id_ in graph.pending((), graph.heads()):
            assert set(graph.revisions[id_].parents) <= seen
            seen.add(id_)
        assert seen == set(ids)
