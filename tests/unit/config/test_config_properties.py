"""Whatever the file holds, it is a configuration or a ConfigError."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_migrate.config.check import check_value
from ci_migrate.config.document import read_document
from ci_migrate.config.load import parse_config
from ci_migrate.config.resolve import resolve_environment
from ci_migrate.config.select import environment_of_branch, match_branch
from ci_migrate.config.types import ConfigFile
from ci_migrate.errors import ConfigError

if TYPE_CHECKING:
    from ci_migrate.config.loaded import Config

NAMES = (
    "version migrations environments ledger notify slack webhook url lock_url branches backup keep "
    "backend directory promote_from transaction lock_wait databases command upgrade x env path dev "
    "prod schema setup url_env"
)
KEYS = st.sampled_from(NAMES.split())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["dev", "prod", "auto", "none", "10m", "${A}", "${", "*", "a:b", "a=b", "one"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)


def near_misses() -> st.SearchStrategy[dict[str, object]]:
    """Return configurations that are right but for some of their values."""
    text = st.sampled_from(["dev", "u", "${A}", "${B:-b}", "x://y", ""])
    url = text | SCALARS
    environment = st.fixed_dictionaries(
        {"url": url},
        optional={
            "branches": text | st.lists(text | SCALARS, max_size=3),
            "promote_from": st.sampled_from(["a", "b", "c"]),
            "backup": st.sampled_from(["auto", "none", {"keep": 1}, {"keep": 0}, None, {}, "no"]),
            "lock_wait": st.sampled_from([0, 5, -1, "10m", "1 m", "", True, None]),
            "lock_url": url,
        },
    )
    return st.fixed_dictionaries(
        {"version": st.just(1) | SCALARS},
        optional={
            "environments": st.dictionaries(
                st.sampled_from(["a", "b", "c", "on", "-"]), environment | VALUES, max_size=3
            ),
            "migrations": VALUES
            | st.fixed_dictionaries(
                {}, optional={"x": st.lists(text), "url_env": text, "env": VALUES, "setup": text}
            ),
            "notify": st.just({"slack": {"webhook": "${A:-}"}}) | VALUES,
            "ledger": VALUES,
        },
    )


def parse_or_refuse(data: bytes) -> Config | None:
    try:
        return parse_config(data, Path("/srv/c.yml"))
    except ConfigError as error:
        assert error.message.encode("utf-8").startswith(b"/srv/c.yml:")
        return None


@given(st.text() | st.text(alphabet="ab:-[]{}*&!|>'\"#%@`\t\n ,?<=~10.$\\"))
def test_any_text(text):
    parse_or_refuse(text.encode("utf-8", "surrogatepass"))
    read_document(text.encode("utf-8", "surrogatepass"), is_pure=True)


@given(st.binary())
def test_any_bytes(data):
    parse_or_refuse(data)


@given(VALUES | near_misses(), st.booleans())
def test_any_structure_and_every_environment_of_it(value, is_flow):
    data = yaml.safe_dump(value, default_flow_style=is_flow, allow_unicode=True)
    config = parse_or_refuse(data.encode("utf-8", "surrogatepass"))
    if config is None:
        return
    for name in config.environments:
        for env in ({}, {"A": "x://u:p@h"}):
            with suppress(ConfigError):
                resolve_environment(config, name, env)
    with suppress(ConfigError):
        environment_of_branch(config, "dev")


@given(VALUES | near_misses())
def test_our_checks_and_msgspec_agree(value):
    if not isinstance(value, dict) or has_null(value):
        return
    try:
        msgspec.convert(value, ConfigFile)
    except msgspec.ValidationError:
        assert check_value(value)
    else:
        assert check_value(value) == []


def has_null(value: object) -> bool:
    """Return whether a value holds a null, which we refuse and msgspec takes for "left out"."""
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(has_null, value)))


@given(st.text(alphabet="ab/*?[]!-^\\&|~", max_size=8), st.text(alphabet="ab/[-^", max_size=6))
def test_any_glob_can_be_matched(glob, branch):
    assert match_branch(branch, glob) in {True, False}
    assert match_branch(branch, "**")
