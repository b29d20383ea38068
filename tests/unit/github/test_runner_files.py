import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.errors import ReporterError
from ci_migrate.github.files import (
    LARGEST_OUTPUTS,
    LARGEST_SUMMARY,
    append_summary,
    shorten,
    write_outputs,
)


def parse(path):
    """Read an output file as the runner does, and fail where it fails."""
    lines = iter(path.read_bytes().decode().split("\n"))
    found = {}
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        assert heredoc >= 0
        assert equals < 0 or heredoc < equals
        name, _, delimiter = line.partition("<<")
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        else:
            pytest.fail("Matching delimiter not found")
        found[name] = "\n".join(value)
    return found


def test_outputs_come_back_as_written(tmp_path):
    values = {
        "outcome": "promoted",
        "from": "",
        "error": 'line\nother=x\nother<<EOF\nEOF\n\r\ntail\n',
        "pending": json.dumps(["é", "\N{PILE OF POO}"]),
    }  # fmt: skip
    assert write_outputs(tmp_path / "out", values) == ()
    assert parse(tmp_path / "out") == values


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,9}", fullmatch=True), st.text()))
def test_any_text_comes_back(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "outputs"
    path.unlink(missing_ok=True)
    write_outputs(path, values)
    assert parse(path) == values


def test_two_writes_and_an_unfinished_line_before_them_do_not_mix(tmp_path):
    path = tmp_path / "out"
    path.write_text("before<<E\nx\nE")
    write_outputs(path, {"a": "1"})
    write_outputs(path, {"b": "2"})
    assert parse(path) == {"before": "x", "a": "1", "b": "2"}


@pytest.mark.parametrize("name", ["", "a b", "a=b", "1a", "a\n", "a<<b"])
def test_a_name_that_would_break_the_file_is_refused_before_writing(tmp_path, name):
    with pytest.raises(ReporterError, match="not a name"):
        write_outputs(tmp_path / "out", {"good": "1", name: "x"})
    assert not (tmp_path / "out").exists()


def test_a_file_that_cannot_be_written_is_a_reporter_error(tmp_path):
    with pytest.raises(ReporterError, match="cannot write"):
        write_outputs(tmp_path / "no" / "out", {"a": "1"})
    with pytest.raises(ReporterError, match="cannot write"):
        append_summary(tmp_path, "text")


def test_only_the_longest_outputs_are_cut_and_json_stays_json(tmp_path):
    revisions = [{"revision": f"r{number}", "message": "é" * 50} for number in range(6000)]
    values = {
        "outcome": "partial",
        "pending": json.dumps(revisions, ensure_ascii=False),
        "applied": json.dumps(revisions[:10]),
        "error": json.dumps({"statement": "x" * 600_000}),
        "to": "y" * 600_000,
    }
    assert set(write_outputs(tmp_path / "out", values)) == {"pending", "error", "to"}
    found = parse(tmp_path / "out")
    units = sum(len(text.encode("utf-16-le")) // 2 for pair in found.items() for text in pair)
    assert LARGEST_OUTPUTS // 2 < units <= LARGEST_OUTPUTS
    assert found["outcome"] == "partial"
    assert found["applied"] == values["applied"]
    kept = json.loads(found["pending"])
    assert kept
    assert kept == revisions[: len(kept)]
    assert json.loads(found["error"]) == {}
    assert found["to"].endswith("y…")


@given(st.text(), st.integers(min_value=2, max_value=20))
def test_shortening_keeps_to_its_limit_and_touches_nothing_short(text, limit):
    short = shorten(text, limit)
    assert len(short.encode("utf-16-le")) // 2 <= limit
    assert short == text or len(text.encode("utf-16-le")) // 2 > limit


def test_a_summary_is_appended_with_a_line_end(tmp_path):
    path = tmp_path / "summary"
    path.write_text("# One")
    assert not append_summary(path, "# Two")
    assert path.read_text() == "# One\n# Two\n"


def test_a_summary_at_the_limit_is_whole_and_one_above_is_cut(tmp_path):
    line = "é" * 49 + "\n"
    whole = line * ((LARGEST_SUMMARY - 2) // 99)
    assert not append_summary(tmp_path / "a", whole)
    assert append_summary(tmp_path / "b", whole + line)
    cut = (tmp_path / "b").read_bytes()
    assert LARGEST_SUMMARY - 2048 < len(cut) <= LARGEST_SUMMARY
    kept, _, note = cut.decode().partition("\n\n_")
    assert "cut here" in note
    assert set(kept.splitlines()) == {line.strip()}


def test_a_cut_summary_closes_what_it_opened(tmp_path):
    markdown = "<details>\n\n````sql\n```\n" + "SELECT 1;\n" * 200_000 + "````\n</details>\n"
    assert append_summary(tmp_path / "s", markdown)
    tail = (tmp_path / "s").read_text()[-300:]
    assert re.search(r"SELECT 1;\n````\n\n</details>\n\n\n_The summary was cut", tail)


def test_a_full_summary_is_left_alone(tmp_path):
    path = tmp_path / "s"
    path.write_bytes(b"x" * LARGEST_SUMMARY)
    assert append_summary(path, "more")
    assert path.stat().st_size == LARGEST_SUMMARY
