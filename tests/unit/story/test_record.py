"""The record of a run: what stages found, without secrets, however the run ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.errors import BackupError, DatabaseUnreachableError, ExitCode, UpgradeError, Where
from ci_migrate.models import Outcome, Plan
from ci_migrate.redact import Redactor
from ci_migrate.story.record import RunRecord
from tests.unit.report.samples import RUN

SECRET = "hunter22!"


class Heard:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def stage_started(self, stage: str) -> None:
        self.told.append(("started", stage))

    def stage_ended(self, stage: str, result: str, seconds: float) -> None:
        self.told.append(("ended", stage, result))

    def note(self, text: str) -> None:
        self.told.append(("note", text))

    def warn(self, text: str) -> None:
        self.told.append(("warn", text))

    def revision_started(self, revision: str, message: str, number: int, total: int) -> None:
        self.told.append(("revision", revision))

    def revision_ended(self, revision: str, seconds: float) -> None:
        self.told.append(("done", revision))

    def project_output(self, line: str) -> None:
        self.told.append(("project", line))


def make_record(heard: Heard | None = None) -> RunRecord:
    return RunRecord(
        command="promote",
        goal=Outcome.PROMOTED,
        environment="dev",
        run=RUN,
        root=Path("/srv/shop"),
        observer=heard or Heard(),
        redactor=Redactor([SECRET]),
    )


def test_a_stage_is_told_when_it_begins_and_when_it_ends() -> None:
    heard = Heard()
    record = make_record(heard)
    with record.stage("backup") as note:
        note.result = "taken"
    assert heard.told == [("started", "backup"), ("ended", "backup", "taken")]


def test_a_failure_is_of_the_stage_that_was_going_on() -> None:
    heard = Heard()
    record = make_record(heard)
    with pytest.raises(UpgradeError), record.stage("upgrade"):
        raise UpgradeError("no")
    record.fail(UpgradeError("no"))
    assert record.failure is not None
    assert record.failure.stage == "upgrade"
    assert ("ended", "upgrade", "") not in heard.told, "a stage that failed has no result"


def test_no_part_of_a_failure_keeps_a_secret() -> None:
    record = make_record()
    where = Where(
        revision="aaaa",
        file="/srv/shop/versions/aaaa.py",
        line=3,
        statement=f"ALTER USER x PASSWORD '{SECRET}'",
        executed=(f"SELECT '{SECRET}'",),
    )
    record.fail(UpgradeError(f"no {SECRET}", next_step=f"use {SECRET}", where=where))
    assert SECRET not in repr(record.promotion())
    assert record.failure is not None
    assert record.failure.statement == "ALTER USER x PASSWORD '***'"
    assert record.failure.executed == ("SELECT '***'",)
    assert record.failure.file == "versions/aaaa.py", "as the user knows it"


def test_a_file_outside_of_the_project_keeps_its_path() -> None:
    record = make_record()
    record.fail(UpgradeError("no", where=Where(file="/opt/lib.py")))
    assert record.failure is not None
    assert record.failure.file == "/opt/lib.py"


def test_an_unexpected_exception_is_a_bug_without_secrets() -> None:
    record = make_record()
    record.fail(KeyError(SECRET))
    assert record.failure is not None
    assert (record.failure.kind, record.failure.exit_code) == ("bug", ExitCode.BUG)
    assert SECRET not in record.failure.message
    assert record.promotion().exit_code is ExitCode.BUG


def test_a_warning_is_told_at_once_and_kept_without_secrets() -> None:
    heard = Heard()
    record = make_record(heard)
    record.warn(f"look at {SECRET}")
    assert heard.told == [("warn", "look at ***")]
    assert record.promotion().warnings == ("look at ***",)


def test_advice_is_for_failures_that_have_none() -> None:
    record = make_record()
    record.advise("ignored: nothing failed")
    record.fail(UpgradeError("no"))
    record.advise(f"first {SECRET}")
    record.advise("second")
    assert record.failure is not None
    assert record.failure.next == "first ***"


def test_a_run_that_read_nothing_again_is_where_it_was() -> None:
    record = make_record()
    record.plan = Plan(current=("aaaa",), target=("bbbb",), pending=())
    assert record.promotion().reached == ("aaaa",)
    record.reached = ()
    assert record.promotion().reached == ()


def test_a_run_that_ends_without_a_word_has_failed() -> None:
    promotion = make_record().promotion()
    assert promotion.outcome is Outcome.FAILED
    assert promotion.exit_code is ExitCode.UPGRADE_FAILED


def test_the_exit_code_of_a_failure_is_that_of_its_class() -> None:
    record = make_record()
    record.fail(BackupError("no"))
    assert record.promotion().exit_code is ExitCode.BACKUP_FAILED


def test_code_3_is_kept_for_runs_that_a_gate_blocked() -> None:
    record = make_record()
    record.fail(DatabaseUnreachableError("gone in the middle"))
    assert record.promotion().exit_code is ExitCode.UPGRADE_FAILED
    record.outcome = Outcome.BLOCKED
    assert record.promotion().exit_code is ExitCode.BLOCKED
