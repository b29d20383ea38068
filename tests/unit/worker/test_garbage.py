"""How often Python looks for garbage while revisions run."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ci_migrate.worker.garbage import SELDOM, GarbageCollection


@pytest.fixture(autouse=True)
def _keep_threshold() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


def test_seldom_for_plain_revisions_and_as_it_was_for_others() -> None:
    gc.set_threshold(600, 11, 12)
    garbage = GarbageCollection()
    seen = []
    for is_plain in (False, True, True, False, True):
        garbage.suit(is_plain=is_plain)
        seen.append(gc.get_threshold()[0])
    assert seen == [600, SELDOM, SELDOM, 600, SELDOM]
    garbage.suit(is_plain=False)
    assert gc.get_threshold() == (600, 11, 12)


def test_what_the_project_has_set_meanwhile_counts() -> None:
    garbage = GarbageCollection()
    gc.set_threshold(500)
    garbage.suit(is_plain=True)
    garbage.suit(is_plain=False)
    assert gc.get_threshold()[0] == 500
