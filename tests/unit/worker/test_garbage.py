"""How often Python looks for garbage while revisions run."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from ci_migrate.worker.garbage import SELDOM, GarbageThreshold


@pytest.fixture(autouse=True)
def _keep_threshold() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


def test_seldom_for_plain_revisions_and_as_it_was_for_others() -> None:
    gc.set_threshold(600, 11, 12)
    garbage = GarbageThreshold()
    seen = []
    for is_plain in (False, True, True, False, True):
        garbage.set_for(is_plain=is_plain)
        seen.append(gc.get_threshold()[0])
    assert seen == [600, SELDOM, SELDOM, 600, SELDOM]
    garbage.set_for(is_plain=False)
    assert gc.get_threshold() == (600, 11, 12)


def test_what_the_project_has_set_meanwhile_counts() -> None:
    garbage = GarbageThreshold()
    gc.set_threshold(500)
    garbage.set_for(is_plain=True)
    garbage.set_for(is_plain=False)
    assert gc.get_threshold()[0] == 500


class Left:
    """What a revision has left to Python to close, in a circle with itself."""

    def __init__(self) -> None:
        self.circle = self


def test_what_others_have_left_is_taken_away_before_it_looks_seldom() -> None:
    gc.disable()  # by itself Python could look at any moment
    try:
        left = weakref.ref(Left())
        assert left() is not None
        GarbageThreshold().set_for(is_plain=True)
        assert left() is None
    finally:
        gc.enable()
