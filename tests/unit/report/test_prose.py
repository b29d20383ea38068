"""What is said of each outcome, and that no two can be taken for one another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci_migrate.errors import ExitCode
from ci_migrate.models import Outcome
from ci_migrate.report import prose, units
from tests.unit.report.samples import (
    BACKUP,
    FAILURE,
    FORECAST,
    PENDING,
    make_pending,
    make_promotion,
    make_rehearsal,
)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.PROMOTED, "production: PROMOTED to bbbb2222, 2 revisions in 12.3 s"),
        (
            Outcome.ROLLED_BACK,
            "production: ROLLED BACK by downgrade to aaaa1111, 1 revision in 12.3 s",
        ),
        (Outcome.RESTORED, "production: RESTORED from a backup to aaaa1111 in 12.3 s"),
        (Outcome.ADOPTED, "production: ADOPTED at aaaa1111 in 12.3 s; no revision was run"),
        (Outcome.RECOVERED, "production: RECOVERED, the database is at aaaa1111 after 12.3 s"),
        (Outcome.NOTHING_TO_DO, "production: NOTHING TO DO, the database is at bbbb2222"),
        (Outcome.READY, "production: READY, 2 revisions pending to bbbb2222"),
        (Outcome.BLOCKED, "production: BLOCKED by heads; the database was not touched"),
        (Outcome.FAILED, "production: FAILED at stage upgrade, the database is unchanged"),
        (
            Outcome.PARTIAL,
            (
                "production: PARTLY APPLIED, the database was changed but is not at its target"
                " (it is at aaaa1111)"
            ),
        ),
        (
            Outcome.UNVERIFIED,
            "production: NOT VERIFIED, the upgrade reported success but the database does not show it",
        ),
    ],
)
def test_each_outcome_has_a_sentence(outcome: Outcome, words: str) -> None:
    assert prose.headline(make_promotion(outcome)) == words


@pytest.mark.parametrize(
    ("more", "is_there"),
    [
        ({"reached": ("bbbb2222",)}, True),
        ({"reached": (), "target": ()}, True),  # a rollback to base
        ({"reached": (), "target": (), "pending": ()}, False),  # the target is not known
    ],
)
def test_partial_names_no_target_that_it_denies(more: dict[str, Any], is_there: bool) -> None:
    words = prose.headline(make_promotion(Outcome.PARTIAL, **more))
    assert words.startswith("production: PARTLY APPLIED, the database was changed")
    assert ("those of the target" in words) == is_there
    assert ("not at its target" in words) != is_there


def test_partial_never_reads_like_failed() -> None:
    words = prose.headline(make_promotion(Outcome.PARTIAL))
    assert "FAILED" not in words
    assert "unchanged" not in words
    assert "not touched" not in words


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.UNVERIFIED])
def test_what_may_have_changed_the_database_never_says_that_it_did_not(outcome: Outcome) -> None:
    promotion = make_promotion(outcome)
    told = prose.headline(promotion) + "".join(p.text for p in prose.failure_passages(promotion))
    assert "unchanged" not in told
    assert "not touched" not in told


def test_an_interrupted_run_that_changed_nothing_is_called_interrupted() -> None:
    failure = replace(FAILURE, exit_code=ExitCode.INTERRUPTED)
    promotion = make_promotion(Outcome.FAILED, failure=failure)
    assert prose.headline(promotion) == "production: INTERRUPTED, the database is unchanged"


def test_an_interrupted_run_that_changed_something_is_partial() -> None:
    failure = replace(FAILURE, exit_code=ExitCode.INTERRUPTED)
    assert "PARTLY APPLIED" in prose.headline(make_promotion(Outcome.PARTIAL, failure=failure))


def test_a_push_to_no_environment_says_why() -> None:
    promotion = make_promotion(
        Outcome.NOTHING_TO_DO, environment=None, warnings=("no environment has the branch x",)
    )
    assert prose.headline(promotion) == "NOTHING TO DO: no environment has the branch x"


def test_a_rehearsal_is_told_revision_by_revision_beside_what_really_came() -> None:
    done = make_promotion(Outcome.PROMOTED, rehearsal=make_rehearsal("public.orders"))
    (passage,) = prose.rehearsed(done)
    assert passage.text.splitlines() == [
        "aaaa1111: 2 statements, 500 ms, really 500 ms; locks: ACCESS EXCLUSIVE on public.orders for 250 ms",
        "bbbb2222: 1 statement, did not end; locks: none on tables that are there",
    ]
    assert not list(prose.rehearsed(make_promotion(Outcome.PROMOTED)))


def test_a_long_rehearsal_is_told_in_part() -> None:
    one = make_rehearsal("t").revisions[0]
    rehearsal = replace(make_rehearsal("t"), revisions=(one,) * 100)
    (passage,) = prose.rehearsed(make_promotion(Outcome.PROMOTED, rehearsal=rehearsal))
    assert passage.text.splitlines()[-1] == "… and 70 more"


def test_a_forecast_stands_beside_the_real_figures() -> None:
    (fact,) = prose.foreseen(make_promotion(Outcome.READY, forecast=FORECAST))
    assert fact.value == "1 min 1 s (by staging, 2026-11-20), 1 revision unknown; locks unknown"
    (fact,) = prose.foreseen(make_promotion(Outcome.PROMOTED, forecast=FORECAST))
    assert "; it took 500 ms; locks unknown" in fact.value


def test_each_revision_says_what_became_of_it() -> None:
    third = make_pending("cccc3333")
    promotion = make_promotion(Outcome.PARTIAL, pending=(*PENDING, third))
    states = {line.revision: line.state for line in prose.revision_lines(promotion)}
    assert states == {"aaaa1111": "applied in 500 ms", "bbbb2222": "FAILED", "cccc3333": "pending"}


def test_an_applied_revision_that_nobody_timed_is_applied() -> None:
    lines = list(prose.revision_lines(make_promotion(Outcome.PROMOTED)))
    assert [line.state for line in lines] == ["applied in 500 ms", "applied"]


def test_statements_that_only_read_are_not_listed_as_what_stayed() -> None:
    read = ('PRAGMA main.table_xinfo("builders")', "SELECT 1")
    failure = replace(FAILURE, executed=(*FAILURE.executed, *read))
    promotion = make_promotion(Outcome.PARTIAL, failure=failure)
    listed = [p.text for p in prose.failure_passages(promotion) if p.label.startswith("Already")]
    assert listed == ["CREATE TABLE extra (id INTEGER)"]


def test_statements_that_stayed_are_listed_only_when_something_stayed() -> None:
    def has_list(outcome: Outcome, **more: Any) -> bool:
        told = prose.failure_passages(make_promotion(outcome, **more))
        return any(passage.label.startswith("Already executed") for passage in told)

    assert has_list(Outcome.PARTIAL)
    assert not has_list(Outcome.PARTIAL, failure=replace(FAILURE, is_undone=True))
    assert not has_list(Outcome.FAILED)


def test_a_failure_names_cause_place_statement_and_next_step() -> None:
    told = {p.label: p.text for p in prose.failure_passages(make_promotion(Outcome.FAILED))}
    assert told == {
        "Cause": FAILURE.message,
        "Revision": "bbbb2222",
        "Place": "migrations/versions/bbbb2222_x.py:21",
        "Statement": FAILURE.statement,
        "Next": FAILURE.next,
    }


def test_a_wrong_configuration_is_no_failed_upgrade() -> None:
    failure = replace(
        FAILURE, stage="configuration", message="ci.yml:5: x: unknown key", file="ci.yml", line=5
    )
    promotion = make_promotion(Outcome.FAILED, environment=None, failure=failure)
    assert prose.headline(promotion) == "NOT STARTED, no database was touched"
    labels = [passage.label for passage in prose.failure_passages(promotion)]
    assert "Place" not in labels, "the message begins with it"


def test_facts_name_version_before_and_after() -> None:
    facts = {fact.label: fact.value for fact in prose.facts(make_promotion(Outcome.PROMOTED))}
    assert facts["Version"] == "base → bbbb2222"
    assert facts["Backup"].startswith("postgres, 1.2 MB, .ci-migrate/backups/production-1.dump")
    assert facts["Commit"] == "1234567890ab"


def test_a_backup_that_was_switched_off_says_so() -> None:
    backup = replace(BACKUP, backend="none", location="", verified="none was taken: `backup: none`")
    assert prose.describe_backup(backup) == "none was taken: `backup: none`"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0004, "0 ms"), (0.5, "500 ms"), (1, "1.0 s"), (59.94, "59.9 s"), (60, "1 min 0 s"),
     (3599.6, "1 h 0 min"), (7261, "2 h 1 min")],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert units.format_seconds(seconds) == words


def test_times_are_read_by_people() -> None:
    assert units.format_time("2026-11-22T03:36:12.298Z") == "2026-11-22 03:36:12 UTC"
    assert units.format_time("2026-11-22T03:36:12+00:00") == "2026-11-22 03:36:12 UTC"
    assert units.format_time("yesterday") == "yesterday"


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (10**12, "1000.0 GB")],
)
def test_sizes(count: int, words: str) -> None:
    assert units.format_bytes(count) == words
