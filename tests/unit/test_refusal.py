"""Which errors of drivers say that the server is full, in the shapes that those drivers have."""

from __future__ import annotations

import pytest

from ci_migrate.database.refusal import is_refusal


class StateError(Exception):
    sqlstate = "53300"


@pytest.mark.parametrize(
    "error",
    [
        StateError("too many"),
        Exception(1040, "Too many connections"),
        Exception({"S": "FATAL", "C": "53300", "M": "no more"}),
        Exception('FATAL:  too many connections for role "few"'),
        Exception("FATAL:  remaining connection slots are reserved"),
    ],
)
def test_a_full_server_is_alive(error: Exception) -> None:
    outer = RuntimeError("cannot connect")
    outer.__cause__ = error
    assert is_refusal(outer)


@pytest.mark.parametrize(
    "error", [Exception(), Exception({"C": "57P01"}), Exception([]), Exception(2003, "refused")]
)
def test_anything_else_is_no_answer(error: Exception) -> None:
    assert not is_refusal(error)
