"""The stub of a lost revision is a revision file, whatever the lost id was."""

from __future__ import annotations

import pytest

from ci_migrate.recovery.stub import write_stub
from ci_migrate.revisions.reader import read_revision_bytes

HOSTILE = '4f1c"""\nimport os; os.abort()\n"""\\'


@pytest.mark.parametrize("revision", ["4f1c", HOSTILE, "it's", "\\"])
@pytest.mark.parametrize("parents", [("a1",), ("a1", HOSTILE), ("b2\\",)])
def test_a_stub_declares_the_lost_revision_and_does_nothing(
    revision: str, parents: tuple[str, ...]
) -> None:
    text = write_stub(revision, parents)
    read = read_revision_bytes(text.encode(), "stub.py").revision
    assert read is not None
    assert (read.id, read.parents) == (revision, parents)
    names: dict[str, object] = {}
    exec(compile(text, "stub.py", "exec"), names)
    with pytest.raises(NotImplementedError, match="is not known"):
        names["downgrade"]()  # type: ignore[operator]
