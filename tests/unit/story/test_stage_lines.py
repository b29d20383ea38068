"""Every stage has a line with its time, also one that fails or is stopped."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ci_migrate.errors import BackupError, InterruptedRunError, ToldError
from ci_migrate.models import Outcome
from ci_migrate.redact import Redactor
from ci_migrate.report.console import Console
from ci_migrate.story.record import RunRecord
from tests.unit.report.samples import RUN


@pytest.mark.parametrize(
    ("error", "word"), [(BackupError("x"), "failed"), (InterruptedRunError("x"), "stopped")]
)
def test_a_stage_that_does_not_end_well_has_its_line(error: ToldError, word: str) -> None:
    stream = io.StringIO()
    record = RunRecord(
        command="promote",
        goal=Outcome.PROMOTED,
        environment="dev",
        run=RUN,
        root=Path(),
        observer=Console(stream, is_github=False, is_terminal=False),
        redactor=Redactor(),
    )
    with pytest.raises(type(error)), record.stage("backup"):
        raise error
    assert stream.getvalue().startswith(f"backup   {word}  (")
