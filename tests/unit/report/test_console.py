"""The console: in CI nothing foreign is a command to the runner, on a terminal nothing foreign is an escape."""

from __future__ import annotations

import io
import re
import threading
import time
from dataclasses import replace

import pytest

from ci_migrate.models import GateOutcome, GateResult, Outcome
from ci_migrate.report.console import MOST_PROJECT_LINES, Console, open_console
from tests.unit.report.runner_log import read_log
from tests.unit.report.samples import (
    FAILURE,
    FORECAST,
    HOSTILE,
    make_hostile,
    make_promotion,
    make_rehearsal,
)

OUTCOMES = list(Outcome)
ATTACKS = [
    "::error::no",
    "  ::add-mask::a",
    "x ##[group]y",
    "\t::stop-commands::pause",
    "\r::error::no",
    "a\n::error::no",
    "\x1b[31m::error::no",
    "\u200b::error::no",
    "::\u200bgroup::x",
    "#\x1b[0m#[error]x",
    "\x0b::error::no",
    "\u2028::error::no",
]


def make_console(kind: str) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(stream, is_github=kind == "github", is_terminal=kind == "terminal"), stream


def run_through(console: Console, words: str) -> None:
    """Let every method say foreign words, as a run that fails in the middle does."""
    console.stage_started("plan")
    console.stage_ended("plan", words, 0.1)
    console.note(words)
    console.warn(words)
    console.stage_started("probe")
    console.project_output(words)
    console.stage_ended("probe", words, 0.1)
    console.stage_started("upgrade")
    console.revision_started(words, words, 1, 2)
    console.project_output(words)
    console.revision_ended(words, 1.5)
    console.revision_started(words, words, 2, 2)


@pytest.mark.parametrize("words", [*ATTACKS, HOSTILE])
def test_only_our_groups_are_commands(words: str) -> None:
    console, stream = make_console("github")
    run_through(console, words)
    console.write_text(words)
    console.tell(make_hostile(Outcome.PARTIAL, words))
    log = read_log(stream.getvalue())
    assert log.commands == [
        "group ci-migrate probe",
        "endgroup",
        "group ci-migrate upgrade",
        "endgroup",
    ]


def test_no_foreign_word_begins_a_line() -> None:
    console, stream = make_console("github")
    console.write_lines(["ours: x\ndev: PROMOTED\x85dev: PROMOTED", "ours: y"])
    console.write_text("ours: x\x0cdev: PROMOTED")
    assert {line[:4] for line in stream.getvalue().splitlines()} == {"ours"}


def test_the_reader_of_these_tests_would_see_a_command() -> None:
    """The proof that the test above can fail."""
    log = read_log(
        "::group::x\n  ::error file=a:b,line=1::no\nhidden ##[warning]y\n::endgroup::\nz"
    )
    assert log.commands == ["group x", "error no", "warning y", "endgroup"]
    assert log.outside == ["z"]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_account_is_outside_of_every_group_also_after_a_failure(outcome: Outcome) -> None:
    console, stream = make_console("github")
    run_through(console, "words")
    console.tell(make_promotion(outcome))
    log = read_log(stream.getvalue())
    assert log.open_groups == 0
    assert any("production: " in line for line in log.outside)


def test_a_failure_is_told_outside_of_the_group() -> None:
    console, stream = make_console("github")
    run_through(console, "words")
    console.tell(make_promotion(Outcome.FAILED))
    told = "\n".join(read_log(stream.getvalue()).outside)
    for words in (FAILURE.message, FAILURE.statement, FAILURE.next, "bbbb2222_x.py:21"):
        assert words in told


def test_a_rehearsal_that_blocked_shows_its_locks_and_a_forecast_its_figures() -> None:
    console, stream = make_console("plain")
    console.tell(
        make_promotion(Outcome.BLOCKED, rehearsal=make_rehearsal("public.orders", "failed"))
    )
    assert "locks: ACCESS EXCLUSIVE on public.orders for 250 ms" in stream.getvalue()
    console.tell(make_promotion(Outcome.PROMOTED, forecast=FORECAST))
    assert (
        "forecast 1 min 1 s (by staging, 2026-11-20), 1 revision unknown; it took"
        in stream.getvalue()
    )


def test_plain_output_has_no_escapes_and_no_commands() -> None:
    console, stream = make_console("plain")
    run_through(console, HOSTILE)
    console.tell(make_hostile(Outcome.FAILED))
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "\r" not in text
    assert "::group::" not in text
    assert "\x00" not in text
    assert "\u202e" not in text


def test_each_revision_is_named_when_it_begins_and_when_it_is_done() -> None:
    console, stream = make_console("plain")
    console.revision_started("aaaa1111", "create users", 1, 2)
    console.revision_ended("aaaa1111", 1.5)
    assert [line.strip() for line in stream.getvalue().splitlines()] == [
        "[1/2] aaaa1111 create users",
        "[1/2] aaaa1111 done in 1.5 s",
    ]


def test_a_terminal_has_a_bar_that_goes_away() -> None:
    console, stream = make_console("terminal")
    console.revision_started("aaaa1111", "create users", 1, 2)
    console.revision_ended("aaaa1111", 1.5)
    console.revision_started("bbbb2222", "add", 2, 2)
    before = stream.getvalue()
    console.stage_ended("upgrade", "2 revisions ran", 3)
    assert f"{'░' * 24} 0/2 aaaa1111 create users" in before
    assert f"{'█' * 12}{'░' * 12} 1/2 bbbb2222 add" in before
    rest = stream.getvalue()[len(before) :]
    assert rest.startswith("\r\x1b[K")
    assert "2 revisions ran" in rest


def test_a_bar_fits_the_terminal_and_stays_below_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    console, stream = make_console("terminal")
    console.revision_started("aaaa1111", "create all the tables of the shop and more", 1, 2)
    console.project_output("INFO Running upgrade")
    shown = stream.getvalue().rpartition("\r\x1b[K")[2]
    assert (len(shown), "0/2 aaaa1111 create" in shown) == (59, True)
    console.revision_ended("aaaa1111", 1.0)
    console.note("after it")
    assert stream.getvalue().endswith("after it\n"), "no bar is drawn anew when nothing runs"


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_no_colours_where_none_are_wanted(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    console = open_console({variable: "1" if variable == "NO_COLOR" else "dumb"}, stream)
    console.revision_started("aaaa1111", "create", 1, 1)
    console.warn("careful")
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_no_escapes_but_ours() -> None:
    console, stream = make_console("terminal")
    run_through(console, "\x1b]0;title\x07\x1b[2Jcleared\x9b31m\x08\r")
    console.tell(make_hostile(Outcome.PARTIAL))
    text = stream.getvalue()
    ours = re.sub(r"\x1b\[(?:\d+(?:;\d+)*m|K)|\r(?=\x1b\[K)", "", text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.sub(r"\r", "", ours))
    assert "\x1b[2J" not in text


def test_a_bar_is_one_line_whatever_the_revision_is_called() -> None:
    console, stream = make_console("terminal")
    console.revision_started("a\nb", "x\ny", 1, 1)
    assert "\n" not in stream.getvalue()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_terminal_shows_the_outcome_in_its_colour(outcome: Outcome) -> None:
    console, stream = make_console("terminal")
    console.tell(make_promotion(outcome))
    last = stream.getvalue().splitlines()[-1]
    assert re.fullmatch(r"\x1b\[[\d;]+mproduction: .*\x1b\[0m", last)


def test_partial_and_failed_have_different_colours() -> None:
    def colour(outcome: Outcome) -> str:
        console, stream = make_console("terminal")
        console.tell(make_promotion(outcome))
        return stream.getvalue().splitlines()[-1].partition("m")[0]

    assert colour(Outcome.PARTIAL) != colour(Outcome.FAILED)


def test_github_gets_no_colour_even_on_a_terminal() -> None:
    stream = io.StringIO()
    Console(stream, is_github=True, is_terminal=True).tell(make_promotion(Outcome.FAILED))
    assert "\x1b" not in stream.getvalue()


def test_a_talkative_project_is_cut_and_it_is_said() -> None:
    console, stream = make_console("plain")
    for number in range(MOST_PROJECT_LINES + 500):
        console.project_output(f"line {number}")
    lines = stream.getvalue().splitlines()
    assert len(lines) == MOST_PROJECT_LINES + 1
    assert "not shown" in lines[-1]


def test_a_blocked_run_says_each_gate_once() -> None:
    console, stream = make_console("plain")
    console.tell(make_promotion(Outcome.BLOCKED))
    text = stream.getvalue()
    assert text.count("2 heads") == 1
    assert 'next         alembic merge -m "merge heads" aaaa bbbb\n' in text


def test_a_terminal_folds_long_words_in_their_column_but_no_command() -> None:
    console, stream = make_console("terminal")
    console.note("")
    command = "    alembic merge " + "x" * 100
    failure = replace(FAILURE, message="word " * 40, next=f"Merge:\n{command}", statement=None)
    console.tell(make_promotion(Outcome.FAILED, failure=failure))
    lines = stream.getvalue().splitlines()
    assert f"{' ' * 9}{command}" in lines
    folded = [line for line in lines if line.strip().startswith("word")]
    assert len(folded) > 1
    assert all(line.startswith(" " * 9 + "word") and len(line) <= 80 for line in folded)


def test_a_terminal_leaves_a_command_of_many_words_in_one_piece() -> None:
    console, stream = make_console("terminal")
    command = "cp " + "/backups/archive.sqlite /data/app.db && " * 5 + "true"
    failure = replace(FAILURE, next=f"Bring it back:\n{command}")
    gate = GateResult(
        name="unfinished", outcome=GateOutcome.FAILED, message="x", next_step=f"Or:\n{command}"
    )
    console.tell(make_promotion(Outcome.PARTIAL, failure=failure, gates=(gate,)))
    assert stream.getvalue().splitlines().count(f"{' ' * 9}{command}") == 2


def test_a_log_is_not_folded() -> None:
    console, stream = make_console("plain")
    console.tell(make_promotion(Outcome.FAILED, failure=replace(FAILURE, message="word " * 40)))
    assert "cause    " + "word " * 39 in stream.getvalue()


def test_a_terminal_names_a_revision_that_is_done_by_its_message() -> None:
    console, stream = make_console("terminal")
    console.revision_started("aaaa1111", "create users", 1, 1)
    console.revision_ended("aaaa1111", 1.5)
    assert stream.getvalue().endswith("[1/1] aaaa1111 create users done in 1.5 s\n")


def test_letters_that_no_encoding_knows_do_not_stop_the_run() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    console = Console(stream, is_github=False, is_terminal=False)
    console.note("caf\u00e9 \udcff")
    console.tell(make_promotion(Outcome.PROMOTED))


class TornStream(io.StringIO):
    """Lets other threads run in the middle of what is written."""

    def write(self, text: str) -> int:
        for letter in text:
            super().write(letter)
            time.sleep(0)
        return len(text)


def test_lines_of_two_threads_stay_whole_behind_the_bar() -> None:
    stream = TornStream()
    console = Console(stream, is_github=False, is_terminal=True)
    console.revision_started("a1", "first", 1, 2)
    said = [threading.Thread(target=console.project_output, args=(str(n) * 40,)) for n in range(9)]
    said += [threading.Thread(target=console.note, args=(letter * 40,)) for letter in "abcdefghi"]
    for thread in said:
        thread.start()
    for thread in said:
        thread.join()
    # What follows the last carriage return of a line is what a terminal shows of it.
    lines = [line.rpartition("\r")[2] for line in stream.getvalue().split("\n")]
    lines = [re.sub(r"\x1b\[[0-9;]*[mK]", "", line) for line in lines]
    assert "0/2 a1 first" in lines.pop(), "the bar stands below them"
    assert len(lines) == 18
    for line in lines:
        assert len(set(line.replace("|", "").replace(" ", ""))) == 1, line
