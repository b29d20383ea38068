"""Durations, variables, branch globs."""

from __future__ import annotations

import pytest

from ci_migrate.config.duration import parse_duration
from ci_migrate.config.expand import MissingVariableError, TemplateError, expand_text
from ci_migrate.config.load import parse_config
from ci_migrate.config.select import environment_of_branch, match_branch
from ci_migrate.errors import ConfigError


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0),
        (30, 30),
        ("0s", 0),
        ("500ms", 0.5),
        ("30s", 30),
        ("10m", 600),
        ("1h", 3600),
        ("2h30m", 9000),
        ("1h1m1s1ms", 3661.001),
    ],
)
def test_durations_are_seconds(written, seconds):
    assert parse_duration(written) == pytest.approx(seconds)
    assert isinstance(parse_duration(written), float)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "30",
        "s",
        "1d",
        "1.5h",
        "-1s",
        "30m2h",
        "1 h",
        "1h ",
        "1h\n",
        "1H",
        "1s1s",
        "9" * 400 + "h",
        -1,
        10**9,
        True,
        1.5,
        None,
    ],
)
def test_other_durations_are_refused(written):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(written)


ENV = {"A": "one", "B": "two", "EMPTY": "", "ODD": "${A} $1 {url}"}


@pytest.mark.parametrize(
    ("text", "filled", "values"),
    [
        ("", "", ()),
        ("plain $A {x} $ $$", "plain $A {x} $ $$", ()),
        ("${A}", "one", ("one",)),
        ("<${A}|${B}|${A}>", "<one|two|one>", ("one", "two", "one")),
        ("${A:-x}", "one", ("one",)),
        ("${NO:-x}", "x", ()),
        ("${NO:-}", "", ()),
        ("${EMPTY:-x}", "x", ()),
        ("${NO:-{url}/x}", "{url}/x", ()),
        ("${NO:-${A}}", "one", ("one",)),
        ("${NO:-${EMPTY:-y}z}", "yz", ()),
        ("$${A}", "${A}", ()),
        ("$$${A}", "$${A}", ()),
        ("${NO:-$${A}}", "${A}", ()),
        ("${ODD}", "${A} $1 {url}", ("${A} $1 {url}",)),
        ("}{${A}}{", "}{one}{", ("one",)),
    ],
)
def test_variables_are_filled_in(text, filled, values):
    expanded = expand_text(text, ENV)
    assert (expanded.text, expanded.values) == (filled, values)


@pytest.mark.parametrize(("text", "name"), [("${NO}", "NO"), ("a${A}${EMPTY}", "EMPTY")])
def test_a_missing_or_empty_variable_is_named(text, name):
    with pytest.raises(MissingVariableError) as caught:
        expand_text(text, ENV)
    assert caught.value.name == name


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "${A",
        "${1}",
        "${A-x}",
        "${A:?x}",
        "${ A }",
        "${A:-x",
        "${A.B}",
        "${{ A }}",
        "${A:-" * 9 + "}" * 9,
    ],
)
def test_what_is_no_variable_is_refused(text):
    with pytest.raises(TemplateError):
        expand_text(text, ENV)


def test_an_expanded_secret_is_not_shown():
    assert "one" not in repr(expand_text("${A}", ENV))


@pytest.mark.parametrize(
    ("glob", "matching", "other"),
    [
        ("main", ["main"], ["Main", "main2", "x/main", "main\n"]),
        ("*", ["main", ""], ["a/b"]),
        ("release/*", ["release/1", "release/"], ["release/1/2", "release", "xrelease/1"]),
        ("release/**", ["release/1", "release/1/2"], ["release"]),
        ("**", ["a", "a/b/c"], []),
        ("**/fix", ["fix", "a/fix", "a/b/fix"], ["afix", "fix/a"]),
        ("a**z", ["az", "a/b/z"], ["a"]),
        ("v?", ["v1"], ["v", "v/", "v12"]),
        ("v[0-9]", ["v1"], ["va", "v"]),
        ("v[!0-9]", ["va"], ["v1", "v/"]),
        ("v[a/]", ["va"], ["v/"]),
        ("v[]]", ["v]"], ["v"]),
        ("v[z-a]", [], ["va", "vz", "v-"]),
        ("v[?--]", [], ["v?", "v-"]),
        ("v[!z-a]", ["va", "v-"], ["v/", "v"]),
        ("v[a-]", ["va", "v-"], ["vb"]),
        ("v[!]", ["v!"], ["va"]),
        ("v[", ["v["], ["v"]),
        ("a.b+(c)", ["a.b+(c)"], ["aXb+(c)"]),
        ("v[\\]", ["v\\"], ["v"]),
        ("v[[^&&~]", ["v[", "v^", "v&", "v~"], ["v"]),
    ],
)
def test_globs_cover_branches(glob, matching, other):
    assert [branch for branch in matching if not match_branch(branch, glob)] == []
    assert [branch for branch in other if match_branch(branch, glob)] == []


def config_of(tmp_path, branches: dict[str, str]):
    lines = [f"  {name}: {{url: sqlite://, branches: {globs}}}" for name, globs in branches.items()]
    text = "\n".join(["version: 1", "environments:", *lines])
    return parse_config(text.encode(), tmp_path / "c.yml")


def test_a_branch_selects_its_environment(tmp_path):
    config = config_of(tmp_path, {"dev": "dev", "prod": "[main, 'release/*']", "manual": "[]"})
    assert environment_of_branch(config, "dev") == "dev"
    assert environment_of_branch(config, "main") == "prod"
    assert environment_of_branch(config, "release/7") == "prod"
    assert environment_of_branch(config, "release/7/fix") is None
    assert environment_of_branch(config, "feature") is None


def test_globs_that_share_a_branch_are_refused_before_it_comes(tmp_path):
    with pytest.raises(
        ConfigError, match=r"the environment a claims some .*, such as x/y \(`\*/y`\)"
    ):
        config_of(tmp_path, {"a": "'x/*'", "b": "'*/y'"})
