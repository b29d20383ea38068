"""Database URLs: read, spelled again, and refused without showing them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from ci_migrate.database.url import address_of, dialect_of, parse_url, spell_url
from ci_migrate.errors import ConfigError

ROOT = Path("/srv/shop")
AWKWARD = "p%40@ /+$'\"üß:#"


@pytest.mark.parametrize(
    "password", [AWKWARD, "%", "%41", "100%sure", "a+b", "a b", "[::1]", "a?b&c=d"]
)
@pytest.mark.parametrize("user", ["shop", "shop@tenant", "50%", "a b"])
def test_a_url_spelled_again_is_the_same_login(user: str, password: str) -> None:
    text = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@db:5433/shop?sslmode=require"
    url = parse_url(text, root=ROOT)
    again = make_url(spell_url(url))
    assert (again.username, again.password) == (user, password)
    assert again == url
    address = address_of(url)
    assert (address.user, address.password, address.host, address.port) == (
        user,
        password,
        "db",
        5433,
    )
    assert address.options == {"sslmode": "require"}


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1))
def test_every_password_survives(password: str) -> None:
    url = parse_url(f"mysql+pymysql://u:{quote(password, safe='')}@db/shop", root=ROOT)
    assert make_url(spell_url(url)).password == password


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("postgres://db/shop", "postgresql"),
        ("postgres+psycopg2://db/shop", "postgresql"),
        ("postgresql+asyncpg://db/shop", "postgresql"),
        ("mariadb+pymysql://db/shop", "mysql"),
        ("mysql://db/shop", "mysql"),
        ("sqlite:///shop.db", "sqlite"),
    ],
)
def test_the_kind_of_database(text: str, dialect: str) -> None:
    assert dialect_of(parse_url(text, root=ROOT)) == dialect


def test_a_socket_is_where_a_host_would_be() -> None:
    address = address_of(parse_url("postgresql://u@/shop?host=/run/pg&port=5433", root=ROOT))
    assert (address.host, address.port, address.database) == ("/run/pg", 5433, "shop")
    address = address_of(parse_url("mysql://u@/shop?unix_socket=/run/my.sock", root=ROOT))
    assert (address.host, address.socket) == ("", "/run/my.sock")


@pytest.mark.parametrize(
    ("text", "path"),
    [("sqlite:///a/b.db", "/srv/shop/a/b.db"), ("sqlite:////data/b.db", "/data/b.db"),
     ("sqlite:///../b.db", "/srv/b.db")],
)  # fmt: skip
def test_a_sqlite_path_is_seen_from_the_configuration(text: str, path: str) -> None:
    assert parse_url(text, root=ROOT).database == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter22",
        "postgresql//u:hunter22@db/shop",
        "postgresql://u:hunter22@db:port/shop",
        "postgresql://u:a@ /hunter22#@db/shop",
        "postgresql://u:a@hunter22@db/shop",
        "mysql+pymysql://u:a@hunter22@db/shop",
        "oracle://u:hunter22@db/shop",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:app.db?uri=true",
        "postgresql://u:hunter22@db",
        "mysql+pymysql://u:hunter22@db/",
    ],
)
def test_what_cannot_be_used_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_url(text, root=ROOT)
    assert "hunter22" not in f"{error.value.message} {error.value.next_step}"
    assert error.value.next_step


@pytest.mark.parametrize(
    "text", ["postgresql://u@/shop?host=%2Frun%2Fpg", "mysql://db/shop", "postgresql://u:@db/shop"]
)
def test_a_login_without_password_stays_one(text: str) -> None:
    url = parse_url(text, root=ROOT)
    assert make_url(spell_url(url)) == url
