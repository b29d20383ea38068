"""The Slack message: within Slack's limits whatever happened, and it calls nobody."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from ci_migrate.errors import ReporterError
from ci_migrate.models import AppliedRevision, Outcome
from ci_migrate.report.slack import build_message, escape, post_to_slack
from tests.servers.slack_limits import find_problem, strings_in
from tests.unit.report.samples import (
    FAILURE,
    FORECAST,
    HOSTILE,
    RUN,
    make_hostile,
    make_pending,
    make_promotion,
    make_rehearsal,
)

OUTCOMES = list(Outcome)
LONG = "x<&>" * 250_000


def texts(message: dict[str, Any]) -> str:
    return "\n".join(strings_in(message["attachments"]))


def assert_taken(message: dict[str, Any]) -> None:
    problem = find_problem(json.dumps(message))
    assert problem is None, problem
    assert "\\ud" not in json.dumps(message).replace("\\ud83d\\ude00", ""), "no half characters"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_is_a_message_that_slack_takes(outcome: Outcome) -> None:
    message = build_message(make_promotion(outcome))
    assert_taken(message)
    assert "production" in message["text"]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(
    "words", [LONG, "", " ", "\n", "`" * 5_000, "\x00", "😀" * 5_000, "\udcff"]
)
def test_whatever_others_write_slack_takes_it(outcome: Outcome, words: str) -> None:
    assert_taken(build_message(make_hostile(outcome, words)))


def test_thousands_of_revisions_are_counted() -> None:
    pending = tuple(make_pending(f"{number:08x}") for number in range(3_000))
    message = build_message(make_promotion(Outcome.READY, pending=pending))
    assert_taken(message)
    assert re.search(r"… and 2980 more", texts(message))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_foreign_text_calls_nobody_and_links_nowhere(outcome: Outcome) -> None:
    message = build_message(make_hostile(outcome))
    told = texts(message) + message["text"]
    ours = {f"<{RUN.run_url}|", f"<{RUN.commit_url}|"}
    assert set(re.findall(r"<[^>|]*[>|]", told)) <= ours
    assert "&lt;!channel&gt;" in told


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_code_marks_of_foreign_text_do_not_end_our_code(outcome: Outcome) -> None:
    for text in strings_in(build_message(make_hostile(outcome))["attachments"]):
        assert text.count("```") % 2 == 0
        around = re.sub(r"(?s)```.*?```", "", text)
        assert around.count("`") % 2 == 0
        assert "````" not in text


def test_a_command_can_be_pasted_as_it_is() -> None:
    command = "mariadb -e 'DROP DATABASE `f1`; CREATE DATABASE `f1`'"
    failure = replace(
        FAILURE, next=f"Bring the backup back:\n{command}", statement="DROP TABLE `a`"
    )
    told = texts(build_message(make_promotion(Outcome.PARTIAL, failure=failure)))
    assert f"*Next*\n```Bring the backup back:\n{command}```" in told
    assert "```DROP TABLE `a'```" in told


def test_a_rehearsal_and_a_forecast_are_told() -> None:
    rehearsal = make_rehearsal("public.orders", "failed")
    told = texts(build_message(make_promotion(Outcome.BLOCKED, rehearsal=rehearsal)))
    assert "*Rehearsal*\nfailed in 3.0 s on a scratch database of public.orders" in told
    assert "locks: ACCESS EXCLUSIVE on public.orders for 250 ms" in told
    told = texts(build_message(make_promotion(Outcome.PROMOTED, forecast=FORECAST)))
    assert "*Forecast*\n1 min 1 s (by staging, 2026-11-20)" in told


def test_no_entity_is_cut_in_two() -> None:
    pending = tuple(make_pending(f"<&>{n:029x}", "<&>" * 100) for n in range(30))
    applied = tuple(AppliedRevision(revision=p.revision, message="", seconds=59.9) for p in pending)
    message = build_message(make_promotion(Outcome.PROMOTED, pending=pending, applied=applied))
    assert_taken(message)
    for text in strings_in(message["attachments"]):
        assert not re.search(r"&(?!(?:amp|lt|gt);)", text)
        assert text.count("`") % 2 == 0


def test_the_next_step_and_the_facts_are_there_however_long_the_rest_is() -> None:
    failure = replace(FAILURE, message=LONG, statement=LONG, executed=(LONG,) * 60)
    pending = tuple(make_pending(f"{n:08x}", LONG) for n in range(30))
    message = build_message(make_promotion(Outcome.PARTIAL, failure=failure, pending=pending))
    told = texts(message)
    assert_taken(message)
    assert FAILURE.next in told
    assert f"<{RUN.run_url}|log of this run>" in told
    assert "*Backup*" in told


def test_a_promotion_tells_what_was_done_by_whom_and_from_where() -> None:
    told = texts(build_message(make_promotion(Outcome.PROMOTED)))
    for part in ("PROMOTED to bbbb2222", "`aaaa1111` create a table (applied in 500 ms)", "*By*\nada",
                 f"<{RUN.commit_url}|1234567890ab>", "verified: pg_restore lists all 7 tables"):  # fmt: skip
        assert part in told


def test_a_run_that_no_gate_blocked_says_why_and_warnings_are_told() -> None:
    failure = replace(FAILURE, message="another revision ran last", next="look at the history")
    blocked = make_promotion(Outcome.BLOCKED, failure=failure, gates=(), warnings=("it drops <x>",))
    told = texts(build_message(blocked))
    for part in ("*Cause*\nanother revision ran last", "look at the history", "it drops &lt;x&gt;"):
        assert part in told


def test_partial_and_failed_differ_in_words_and_colour() -> None:
    partial, failed = (build_message(make_promotion(o)) for o in (Outcome.PARTIAL, Outcome.FAILED))
    assert partial["attachments"][0]["color"] != failed["attachments"][0]["color"]
    assert "PARTLY APPLIED" in partial["text"]
    assert "FAILED" not in partial["text"]


def test_a_url_that_would_break_out_of_its_link_is_no_link() -> None:
    run = replace(RUN, run_url="https://x.example/|y><!channel>")
    told = texts(build_message(make_promotion(Outcome.PROMOTED, run=run)))
    assert "<!channel>" not in told


@pytest.mark.parametrize("limit", [2, 10, 100])
def test_escaped_text_keeps_the_limit_and_whole_entities(limit: int) -> None:
    escaped = escape("<>&`" * 100, limit)
    assert len(escaped) <= limit
    assert escaped.endswith("…")
    assert not re.search(r"&(?!(?:amp|lt|gt);)", escaped)


@pytest.mark.parametrize(("status", "body"), [(404, "no_service"), (200, "invalid"), (500, "")])
def test_an_answer_that_is_not_ok_is_an_error_with_slacks_word(status: int, body: str) -> None:
    with pytest.raises(ReporterError, match=re.escape(f"HTTP {status}, {body!r}")):
        post_to_slack(make_promotion(Outcome.PROMOTED), "https://x", lambda *_: (status, body))


def test_the_words_of_an_answer_are_plain() -> None:
    with pytest.raises(ReporterError) as error:
        post_to_slack(make_promotion(Outcome.PROMOTED), "https://x", lambda *_: (200, HOSTILE))
    assert "\x1b" not in error.value.message
