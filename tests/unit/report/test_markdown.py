"""The job summary: what others write in it is shown, never obeyed."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.models import Outcome
from ci_migrate.report.markdown import code_block, escape, render_markdown
from tests.unit.report.samples import (
    FAILURE,
    FORECAST,
    HOSTILE,
    make_hostile,
    make_pending,
    make_promotion,
    make_rehearsal,
)

OUTCOMES = list(Outcome)


@dataclass
class Parsed:
    """Markdown taken apart as far as these tests need it."""

    text: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)


def parse(markdown: str) -> Parsed:
    """Read fences and tables as CommonMark with GitHub's tables does; everything else is text."""
    found, fence, in_table = Parsed(), "", False
    for line in markdown.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})([^`]*)$", line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
            else:
                found.code[-1] += line + "\n"
        elif mark:
            fence, in_table = mark[1], False
            found.code.append("")
        elif line.startswith("|"):
            if not in_table:
                found.tables.append([])
            in_table = True
            found.tables[-1].append(re.split(r"(?<!\\)\|", line)[1:-1])
        else:
            in_table = False
            found.text.append(line)
    assert not fence, "a fence is left open"
    return found


def visible(parsed: Parsed) -> str:
    """Return everything in which Markdown is read."""
    cells = [cell for table in parsed.tables for row in table for cell in row]
    return "\n".join([*parsed.text, *cells])


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_row_has_as_many_cells_as_its_head(outcome: Outcome) -> None:
    tables = parse(render_markdown(make_hostile(outcome))).tables
    assert len(tables) == 3
    for head, ruler, *rows in tables:
        assert rows
        assert {len(head)} == {len(ruler), *map(len, rows)}
        assert set("".join(ruler)) == {"-", " "}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_foreign_text_makes_no_html_link_mention_or_markup(outcome: Outcome) -> None:
    text = visible(parse(render_markdown(make_hostile(outcome))))
    # what ends the line is ours: the links of the run, the lines of a gate, and the list of versions
    text = re.sub(r"\]\(https://github\.com/acme/shop/[\w/]+\)", "", text)
    text = re.sub(r"</?sub>|<br>", "", text)
    assert "<" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not re.search(r"@\w", html.unescape(text))
    assert not re.search(r"(?i)https?://|www\.", text)
    assert not re.search(r"(?<!\\)[`*~$]", re.sub(r"(?m)^\*\*.*?\*\*", "", text))
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_text_of_several_lines_stays_inside_its_fence(outcome: Outcome) -> None:
    parsed = parse(render_markdown(make_hostile(outcome)))
    assert len(parsed.code) >= (1 if outcome is Outcome.BLOCKED else 4)
    assert all("# head\n- [ ] do\n" in code or "CREATE" in code for code in parsed.code[:1])
    # a heading in foreign text would be the only second one
    assert [line[:4] for line in parsed.text if line.startswith("#")] == ["### "]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_words_survive_escaping(outcome: Outcome) -> None:
    promotion = make_promotion(outcome)
    text = visible(parse(render_markdown(promotion)))
    assert "production" in text
    for pending in promotion.pending:
        assert pending.revision in text


def test_a_failure_is_told_with_its_next_step() -> None:
    parsed = parse(render_markdown(make_promotion(Outcome.PARTIAL)))
    assert FAILURE.next.replace(".", r"\.") in visible(parsed)
    assert f"{FAILURE.statement}\n" in parsed.code
    assert any("CREATE TABLE extra" in code for code in parsed.code)


def test_a_rehearsal_and_a_forecast_are_told() -> None:
    rehearsal = make_rehearsal("public.orders", "failed")
    parsed = parse(render_markdown(make_promotion(Outcome.BLOCKED, rehearsal=rehearsal)))
    assert "failed in 3" in visible(parsed)
    assert any("ACCESS EXCLUSIVE on public.orders for 250 ms" in code for code in parsed.code)
    parsed = parse(render_markdown(make_promotion(Outcome.PROMOTED, forecast=FORECAST)))
    assert "1 min 1 s" in visible(parsed)
    assert "it took 500 ms" in visible(parsed)


def test_the_command_of_a_failed_gate_can_be_copied() -> None:
    parsed = parse(render_markdown(make_promotion(Outcome.BLOCKED)))
    assert '    alembic merge -m "merge heads" aaaa bbbb\n' in parsed.code


def test_a_gate_that_failed_is_told_once() -> None:
    assert render_markdown(make_promotion(Outcome.BLOCKED)).count("2 heads") == 1


def test_thousands_of_revisions_are_counted_not_listed() -> None:
    pending = tuple(make_pending(f"{number:08x}") for number in range(3_000))
    parsed = parse(render_markdown(make_promotion(Outcome.READY, pending=pending)))
    assert len(parsed.tables[-1]) == 202
    assert "2800 more revisions" in visible(parsed)


@given(st.text())
def test_a_code_block_is_left_only_at_its_end(text: str) -> None:
    parsed = parse(code_block(text))
    assert len(parsed.code) == 1
    assert parsed.text == []
    assert parsed.tables == []


@given(st.text())
def test_an_escaped_text_is_one_cell_of_one_line(text: str) -> None:
    escaped = escape(text)
    assert len(escaped.splitlines()) <= 1
    assert len(parse(f"| {escaped} |").tables[0][0]) == 1
    assert "<" not in escaped


def test_an_escaped_text_keeps_every_visible_word() -> None:
    assert "octocat" in escape(HOSTILE)
    assert escape("a_b*c") == r"a\_b\*c"
