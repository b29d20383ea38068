import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.github.commands import (
    add_mask,
    annotation,
    endgroup,
    escape_data,
    escape_property,
    group,
    is_in_repository,
    neutralise,
    neutralise_json,
)


def unescape(text):
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def is_command(line):
    """The runner's two parsers, with comparisons to which invisible characters do not count."""
    seen = "".join(
        c for c in line if c == "\t" or unicodedata.category(c) not in {"Cc", "Cf", "Mn"}
    )
    return seen.lstrip().startswith("::") or "##[" in seen


def test_an_annotation_names_file_line_and_title():
    line = annotation("error", "it broke", file="a/b.py", line=3, title="Revision a1, b2: no")
    assert line == "::error file=a/b.py,line=3,title=Revision a1%2C b2%3A no::it broke"


def test_an_annotation_without_place_has_no_properties():
    assert annotation("warning", "50 %\nsecond") == "::warning::50 %25%0Asecond"


@pytest.mark.parametrize("file", ["/abs/a.py", "../a.py", "a/../../b.py", "."])
def test_a_file_outside_of_the_repository_is_left_out_with_its_line(file):
    assert not is_in_repository(file)
    assert annotation("error", "m", file=file, line=3) == "::error::m"


def test_a_long_message_is_cut_where_the_runner_would_drop_the_rest():
    message = unescape(annotation("error", "%" * 5000).removeprefix("::error::"))
    assert len(message) == 4096
    assert message.endswith("…")


def test_a_message_is_measured_in_utf_16_units_and_no_character_is_torn():
    message = annotation("error", "\N{PILE OF POO}" * 4096).removeprefix("::error::")
    assert len(message.encode("utf-16-le")) // 2 <= 4096
    assert "�" not in message


@given(st.text(), st.text(min_size=1), st.integers(min_value=1))
def test_an_annotation_is_always_one_line_with_its_own_properties(message, title, line):
    text = annotation("notice", message, file="a.py", line=line, title=title)
    assert len(text.splitlines()) == 1
    head, _, data = text.removeprefix("::").partition("::")
    assert re.fullmatch(rf"notice file=a\.py,line={line}(,title=[^:,]*)?", head)
    assert "\n" not in data


def test_escaping_is_undone_by_the_runner():
    text = "100% of a:b,c\r\nd %0A"
    assert unescape(escape_data(text)) == text
    assert unescape(escape_property(text)) == text
    assert not set(escape_property(text)) & set("\r\n:,")


def test_a_secret_is_masked_line_by_line_and_short_lines_are_not():
    assert add_mask("p%40ss\r\n{\nsecond line\n  \n") == (
        "::add-mask::p%2540ss\n::add-mask::second line"
    )
    assert add_mask("dev") == add_mask("") == ""


def test_a_group_is_one_line():
    assert group("Apply\n::error::a1") == "::group::Apply ::error::a1"
    assert endgroup() == "::endgroup::"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ": :error::x"),
        ("   \t::add-mask::a", "   \t: :add-mask::a"),
        ("ok\n::set-output name=to::x", "ok\n: :set-output name=to::x"),
        ("50 %\r::stop-commands::x", "50 %\n: :stop-commands::x"),
        ("a\r\n::debug::x", "a\n: :debug::x"),
        ("\x1b[31m::error::x\x1b[0m", ": :error::x"),
        (":\x1b[0m:error::x", ": :error::x"),
        ("LOG: ##[error]x", "LOG: # #[error]x"),
        ("###[group]x", "## #[group]x"),
        ("#\x1b[m#[group]x", "# #[group]x"),
        ("\N{NO-BREAK SPACE}::error::x", "\N{NO-BREAK SPACE}: :error::x"),
        (":\N{SOFT HYPHEN}:error::x", ": \N{SOFT HYPHEN}:error::x"),
        ("\N{ZERO WIDTH SPACE}::error::x", "\N{ZERO WIDTH SPACE}: :error::x"),
        ("#\N{ZERO WIDTH JOINER}#[error]x", "# \N{ZERO WIDTH JOINER}#[error]x"),
    ],
)
def test_foreign_text_is_no_command_and_stays_readable(text, shown):
    assert neutralise(text) == shown


def test_a_nul_before_the_colons_does_not_help():
    assert not any(map(is_command, neutralise("\0::error::x\n\x1f::e::").splitlines()))


def test_casts_and_comments_of_sql_stay_as_they_are():
    text = "SELECT '1'::int, a::text -- ## [note]\n\tFROM t # x"
    assert neutralise(text) == text


def test_text_that_cannot_be_encoded_becomes_printable():
    assert neutralise("a\ud800b").encode("utf-8") == "a\N{REPLACEMENT CHARACTER}b".encode()


PIECES = ["::", ":", "##[", "#", "[", " ", "\t", "\r", "\n", "\x1b[0m", "\x1b", "\0", "error", "x]"]
PIECES += ["\u200b", "\u00ad", "\ufeff", "\u2028", "\x85", "\u202e", "\u0301", "\x0b", "\x1c", "é"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_at_all_is_a_command(text):
    shown = neutralise(text)
    assert not any(map(is_command, re.split(r"[\r\n]", shown)))
    assert neutralise(shown) == shown


@given(st.lists(st.sampled_from([*PIECES, "\\", '"', "\u202e", "\x9b", "\x7f"])).map("".join))
def test_json_stays_the_same_and_is_no_command(text):
    for is_ascii in (True, False):
        told = neutralise_json(json.dumps({text: [text]}, ensure_ascii=is_ascii))
        assert json.loads(told) == {text: [text]}
        assert not re.search("##\\[|[\x7f-\x9f\u202e]", told)
