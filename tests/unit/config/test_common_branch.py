"""Two globs that cover a branch in common are found, with that branch; others are not."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.config.common_branch import find_common_branch
from ci_migrate.config.select import match_branch

COMMON = [
    ("**", "feature/*"),
    ("feature/*", "*/hotfix"),
    ("release/**", "release/1.?"),
    ("**/fix", "fix"),
    ("**/fix", "a/b/fi?"),
    ("[a-f]x", "[!a-c]x"),
    ("*", "**"),
    ("a*b", "*ab*"),
]
APART = [
    ("feature/*", "release/*"),
    ("*", "feature/*"),
    ("a?", "a"),
    ("[a-c]x", "[d-f]x"),
    ("[a-c]", "[!a-c]"),
    ("**/fix", "fixes"),
    ("v1.*", "v2.*"),
    ("[b-a]", "*"),
]
GLOBS = st.lists(
    st.sampled_from(["a", "b", "/", "*", "**", "**/", "?", "[ab]", "[!a]", "[b-d]", "c"]), min_size=1, max_size=5
).map("".join)  # fmt: skip


@pytest.mark.parametrize(("one", "other"), COMMON)
def test_the_branch_is_covered_by_both(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        branch = find_common_branch(first, second)
        assert branch
        assert match_branch(branch, one)
        assert match_branch(branch, other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_globs_apart(one: str, other: str) -> None:
    assert find_common_branch(one, other) is None
    assert find_common_branch(other, one) is None


@given(GLOBS, GLOBS)
def test_no_short_branch_is_overlooked(one: str, other: str) -> None:
    branch = find_common_branch(one, other)
    if branch is not None:
        assert match_branch(branch, one)
        assert match_branch(branch, other)
        return
    for length in range(1, 4):
        for letters in itertools.product("abe/", repeat=length):
            name = "".join(letters)
            assert not (match_branch(name, one) and match_branch(name, other)), name


def test_long_globs_are_walked_to_their_end() -> None:
    assert find_common_branch("*a" * 40 + "?" * 20, "*b" * 40)
    assert find_common_branch("*a" * 40, "*b" * 40) is None
