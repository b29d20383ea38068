"""`--override` needs a gate that may be passed over, and a reason."""

from __future__ import annotations

import pytest

from ci_migrate.cli.overrides import read_overrides
from ci_migrate.errors import UsageError


@pytest.mark.parametrize(
    ("gates", "reasons", "words"),
    [
        (("heads",), ("x",), "heads cannot be overridden"),
        (("ordr",), ("x",), "ordr is no gate"),
        (("order",), (), "--override was given 1 times, --reason 0 times"),
        (("order",), (" ",), "--override was given"),
        ((), ("x", "y"), "--override was given 0 times"),
        (("order", "window"), ("x", "y", "z"), "--override was given 2 times"),
    ],
)
def test_what_cannot_be_overridden_so_is_said(
    gates: tuple[str, ...], reasons: tuple[str, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read_overrides(gates, reasons)


def test_one_reason_is_for_all_or_each_has_its_own() -> None:
    assert read_overrides((), ()) == {}
    assert read_overrides(("order", "window"), ("x",)) == {"order": "x", "window": "x"}
    assert read_overrides(("order", "window"), ("x", "y")) == {"order": "x", "window": "y"}
