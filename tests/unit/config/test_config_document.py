"""YAML into plain values: places, duplicate keys, traps of YAML 1.1, hostile files."""

from __future__ import annotations

import pytest

from ci_migrate.config.document import Ambiguous, read_document
from ci_migrate.config.problems import Mark

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.fixture(params=[False, True], ids=["c-parser", "python-parser"])
def is_pure(request: pytest.FixtureRequest) -> bool:
    return request.param


def test_every_key_and_item_has_its_place(is_pure):
    document = read_document(b"a:\n  b: 1\n  c:\n    - x\n    - {d: y}\n", is_pure=is_pure)
    assert document.value == {"a": {"b": 1, "c": ["x", {"d": "y"}]}}
    assert document.marks == {
        (): Mark(line=1, column=1),
        ("a",): Mark(line=1, column=1),
        ("a", "b"): Mark(line=2, column=3),
        ("a", "c"): Mark(line=3, column=3),
        ("a", "c", 0): Mark(line=4, column=7),
        ("a", "c", 1): Mark(line=5, column=7),
        ("a", "c", 1, "d"): Mark(line=5, column=8),
    }


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("text", "text"),
        ('"010"', "010"),
        ("'on'", "on"),
        ("!!str text", "text"),
        ("5", 5),
        ("-5", -5),
        ("true", True),
        ("", None),
        ("null", None),
        ("y", "y"),
        ("release/1.x", "release/1.x"),
        ("2h30m", "2h30m"),
        ("on", Ambiguous(text="on", meaning="true")),
        ("No", Ambiguous(text="No", meaning="false")),
        ("True", Ambiguous(text="True", meaning="true")),
        ("010", Ambiguous(text="010", meaning="the number 8")),
        ("0x1F", Ambiguous(text="0x1F", meaning="the number 31")),
        ("1_000", Ambiguous(text="1_000", meaning="the number 1000")),
        ("12:30", Ambiguous(text="12:30", meaning="the number 750")),
        ("1e3", Ambiguous(text="1e3", meaning="a number")),
        ("08", Ambiguous(text="08", meaning="a number")),
        ("-.5", Ambiguous(text="-.5", meaning="a number")),
        ("!!str 10", Ambiguous(text="10", meaning="a number")),
        ("0o17", Ambiguous(text="0o17", meaning="a number")),
        ("1.10", Ambiguous(text="1.10", meaning="a number")),
        (".inf", Ambiguous(text=".inf", meaning="a number")),
        ("9" * 5000, Ambiguous(text="9" * 5000, meaning="a number")),
        ("2024-01-01", Ambiguous(text="2024-01-01", meaning="a date")),
        ("=", Ambiguous(text="=", meaning="a YAML 1.1 default value")),
        ("!!int foo", Ambiguous(text="foo", meaning="a number")),
    ],
)
def test_scalars_are_never_converted_silently(scalar, value, is_pure):
    document = read_document(f"a: {scalar}\n".encode(), is_pure=is_pure)
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)
    assert document.problems == ()


@pytest.mark.parametrize(
    ("text", "line", "what", "suggestion"),
    [
        ("", 1, "the file is empty", "version: 1"),
        ("# only a comment\n", 1, "the file is empty", "version: 1"),
        ("- a\n", 1, "must be a mapping", "version: 1"),
        ("word\n", 1, "must be a mapping", "version: 1"),
        ("a: 1\n---\nb: 2\n", 2, "more than one YAML document", "second `---`"),
        ("a:\n\t- b\n", 2, "not valid YAML", "spaces, not with tabs"),
        ("a: b\n\tc: d\n", 2, "not valid YAML", "spaces, not with tabs"),
        ("a: b\nc: [1, 2\nd: 3\n", 3, "that starts on line 2", ""),
        ("a: 1\nb: **\n", 2, "not valid YAML", "starts with `*`"),
        ("a: 1\nb: *main\n", 2, "undefined alias", "starts with `*`"),
        ("a: 1\nb: {url: ${X}}\n", 2, "not valid YAML", '"${NAME}"'),
        ("a: 1\nb: @x\n", 2, "cannot start any token", "in quotes"),
        ("a: b: c\n", 1, "not allowed", ""),
        ("a: 1\nb: 'x\n", 2, "end of stream", ""),
        ("a: 1\nb: \x00\n", 2, "control character '\\x00'", ""),
        ('a: "\\UFFFFFFFF"\n', 1, "not valid YAML", ""),
        ("[" * 100_000, 1, "nested deeper", ""),
        ("- " * 100_000, 1, "nested deeper", ""),
        ("a: &a [*a]\n", 1, "nested deeper", "aliases"),
        ("a: 1\nb: &b {c: *b}\n", 2, "nested deeper", "aliases"),
        (BOMB, 1, "more than 10000 values", "aliases"),
        ("a: [" + "x," * 20_000 + "]\n", 1, "more than 10000 values", ""),
    ],
)
def test_an_unreadable_file_is_one_problem(text, line, what, suggestion, is_pure):
    document = read_document(text.encode(), is_pure=is_pure)
    (problem,) = document.problems
    assert document.value is None
    assert what in problem.what
    assert suggestion in problem.suggestion
    assert (problem.mark.line if problem.mark else 1) == line


def test_a_file_that_is_not_utf_8_names_the_line():
    (problem,) = read_document(b"a: 1\nb: caf\xe9\n").problems
    assert problem.what == "the file is not UTF-8 text"
    assert problem.mark == Mark(line=2, column=1)


def test_a_byte_order_mark_is_no_problem(is_pure):
    assert read_document(b"\xef\xbb\xbfa: 1\n", is_pure=is_pure).value == {"a": 1}


def test_a_file_over_one_megabyte_is_not_parsed():
    (problem,) = read_document(b"#" * 1_000_001).problems
    assert problem.what == "the file is larger than 1 MB"


def test_a_duplicate_key_names_both_lines_and_the_first_one_counts(is_pure):
    document = read_document(b"a:\n  b: 1\n  c: 2\n  b: 3\n", is_pure=is_pure)
    (problem,) = document.problems
    assert problem.what == "duplicate key, first on line 2"
    assert problem.mark == Mark(line=4, column=3)
    assert document.value == {"a": {"b": 1, "c": 2}}


@pytest.mark.parametrize(
    ("text", "what", "suggestion"),
    [
        ("on: 1\n", "the key `on`", '"on"'),
        ("010: 1\n", "the key `010`", '"010"'),
        ("2024: 1\n", "the key `2024`", '"2024"'),
        ("1e3: 1\n", "the key `1e3`", '"1e3"'),
        ("~: 1\n", "the key `~`", '"~"'),
        ("? [a]\n: 1\n", "a key must be text", "quotes"),
        ("!!str [a]: 1\n", "a key must be text", "quotes"),
        ("!x a: 1\n", "a key must be text", "quotes"),
        ("<<: {a: 1}\n", "merge keys", "write the keys out"),
        ("a: !!python/object:os.system x\n", "python/object:os.system is not allowed", ""),
        ("a: !!binary x\n", "binary is not allowed", ""),
        ("a: !x {}\n", "!x is not allowed", ""),
        ('a: "\\0"\n', "control character", ""),
    ],
)
def test_odd_keys_tags_and_characters_are_problems(text, what, suggestion, is_pure):
    (problem,) = read_document(text.encode(), is_pure=is_pure).problems
    assert what in problem.what
    assert suggestion in problem.suggestion


def test_an_alias_that_is_used_twice_is_fine(is_pure):
    document = read_document(b"a: &x [main]\nb: *x\n", is_pure=is_pure)
    assert document.value == {"a": ["main"], "b": ["main"]}
    assert document.problems == ()
