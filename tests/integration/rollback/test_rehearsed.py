"""A rollback is rehearsed where promotions are: a downgrade that fails never reaches the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.database import read_rows
from tests.integration.promote.shop import gates, message
from tests.integration.rollback.place import build_place

LAST = "5c00753421f7"


@pytest.mark.slow
@pytest.mark.newest
def test_a_downgrade_that_fails_on_the_copy_blocks(either_url: str, tmp_path: Path) -> None:
    place = build_place(tmp_path / "work", either_url, rehearse=True)
    bad = 'def downgrade() -> None:\n    op.execute("DROP TABLE nowhere")\n'
    place.edit(LAST, "def downgrade() -> None:\n", bad)
    refused = place.roll_back()
    assert (refused.outcome, gates(refused)["rehearsal"]) == ("blocked", "failed"), refused.output
    assert "nowhere" in message(refused, "rehearsal")
    assert read_rows(place.url, place.project.situation) == [LAST]
    place.edit(LAST, bad, "def downgrade() -> None:\n")
    done = place.roll_back()
    assert (done.outcome, gates(done)["rehearsal"]) == ("rolled-back", "passed"), done.output
