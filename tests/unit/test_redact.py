"""Secrets and row data do not leave, in whatever spelling they come."""

from __future__ import annotations

import ast
import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL, make_url

from ci_migrate.redact import (
    Redactor,
    in_docstring,
    names_of_url,
    one_line,
    plain,
    secrets_of_url,
    shell_text,
    shell_words,
    without_row_data,
)

CANARY = "p%40@ /+$'\"üß:#"
URL_TEXT = f"postgresql://shop:{quote(CANARY, safe='')}@db.example:5432/shop?sslmode=require"


def sqlalchemy_1(password: str) -> str:
    """Quote as SQLAlchemy 1.4 does in a URL."""
    return "".join(f"%{ord(sign):X}" if sign in ":@/" else sign for sign in password)


def lower_hex(text: str) -> str:
    """Quote as JavaScript-minded tools do: `%2f`."""
    return quote(text, safe="").replace("%C3", "%c3").replace("%2F", "%2f").replace("%3A", "%3a").replace(
        "%2B", "%2b").replace("%BC", "%bc").replace("%9F", "%9f")  # fmt: skip


SPELLINGS = {
    "raw": CANARY,
    "quoted": quote(CANARY, safe=""),
    "quoted but for slashes": quote(CANARY),
    "quoted as a form": quote_plus(CANARY),
    "quoted in lower case": lower_hex(CANARY),
    "as SQLAlchemy renders a URL": make_url(
        URL.create("postgresql", "u", CANARY, "h").render_as_string(hide_password=False)
    ).render_as_string(hide_password=False).split("u:")[1].rpartition("@h")[0],
    "as SQLAlchemy 1.4 renders it": sqlalchemy_1(CANARY),
    "in an ini file": quote(CANARY, safe="").replace("%", "%%"),
    "raw in an ini file": CANARY.replace("%", "%%"),
    "repr": repr(CANARY)[1:-1],
    "repr of bytes": repr(CANARY.encode())[2:-1],
    "JSON": json.dumps(CANARY)[1:-1],
    "JSON with its letters": json.dumps(CANARY, ensure_ascii=False)[1:-1],
    "SQL": CANARY.replace("'", "''"),
    "shell": shlex.quote(CANARY)[1:-1],
    "libpq": CANARY.replace("\\", "\\\\").replace("'", "\\'"),
    "HTML": html.escape(CANARY),
    "HTML of Jinja": html.escape(CANARY).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "XML": html.escape(CANARY).replace("&#x27;", "&apos;"),
    "unicode escapes": CANARY.encode("unicode_escape").decode(),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_secret_is_found_in_every_spelling(name: str) -> None:
    text = f"before {SPELLINGS[name]} after"
    assert Redactor([CANARY]).clean(text) == "before *** after"


@pytest.mark.parametrize("name", SPELLINGS)
def test_the_url_alone_is_enough_to_find_its_password(name: str) -> None:
    text = f"before {SPELLINGS[name]} after"
    assert Redactor(secrets_of_url(URL_TEXT)).clean(text) == "before *** after"


def test_a_whole_url_is_one_mask() -> None:
    assert Redactor(secrets_of_url(URL_TEXT)).clean(f"x {URL_TEXT} y") == "x *** y"


@pytest.mark.parametrize(
    "password", ["p#sswords", "pass/word", "p[ssword", "p?ss=word&x", "pass:word", "pa ss word"]
)
def test_a_password_that_should_have_been_quoted_is_a_secret_too(password: str) -> None:
    url = f"postgresql://shop:{password}@db.example/shop"
    assert make_url(url).password == password, "SQLAlchemy takes this URL"
    assert Redactor(secrets_of_url(url)).clean(f"for {password}!") == "for ***!"


def test_a_password_in_the_options_is_a_secret() -> None:
    url = f"postgresql:///shop?host=/tmp&password={quote(CANARY, safe='')}"
    assert Redactor(secrets_of_url(url)).clean(CANARY) == "***"


@pytest.mark.parametrize("url", ["postgresql://db.example/shop", "sqlite:////data/shop.db", "",
                                 "postgresql://shop@db.example/shop"])  # fmt: skip
def test_a_url_without_a_password_is_no_secret(url: str) -> None:
    assert secrets_of_url(url) == ()


def test_short_values_tear_no_holes() -> None:
    assert Redactor(["abc", ""]).clean("abcdef") == "abcdef"


def test_longer_secrets_go_first() -> None:
    assert Redactor(["token", "token-of-ada"]).clean("token-of-ada token") == "*** ***"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
def test_a_secret_inside_base64_is_found_wherever_it_begins(before: int, after: int) -> None:
    text = b"u" * before + CANARY.encode() + b"\n" * after
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        clean = Redactor([CANARY]).clean(encode(text).decode())
        assert "***" in clean
        assert len(clean) <= 3 + 4 * 3


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("postgresql+psycopg://ada:pw@db.example:5432/shop?x=1", {"ada", "db.example", "shop"}),
        ("postgresql://ada@/shop?host=/run/pg", {"ada", "shop", "/run/pg"}),
        ("mysql+pymysql://a%40b:p@@h/s%20p", {"a%40b", "a@b", "h", "s%20p", "s p"}),
        ("postgresql:///?user=ada&dbname=shop&host=h", {"ada", "shop", "h"}),
        ("sqlite:///shop.db", set()),
    ],
)
def test_names_of_a_url(url: str, names: set[str]) -> None:
    assert names <= names_of_url(url)
    assert not {"pw", "p", "p@"} & names_of_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:shop@db.example/other",
        "postgresql://ada:shop@db.example/shop",
        "postgresql://ada:shop@shop:5432/other",
        "postgresql://ada@/x?host=shop&password=shop",
    ],
)
def test_a_password_that_is_a_name_is_hidden_in_logins_only(url: str) -> None:
    clean = Redactor(secrets_of_url(url)).clean
    assert clean("the shop is open") == "the shop is open"
    assert "shop" not in clean(f"cannot connect with {url}!")
    login = url.partition("://")[2].partition("@")[0] + "@"
    if ":" in login:
        assert clean(f"postgresql+asyncpg://{login}h/d") == "postgresql+asyncpg://***h/d"


def test_names_of_environments_and_of_databases_are_no_secrets() -> None:
    found = secrets_of_url("postgresql://ada:staging@h/d", ["dev", "staging"])
    assert Redactor(found).clean("staging: PROMOTED") == "staging: PROMOTED"
    clean = Redactor(secrets_of_url("postgresql://ada:postgres@h/d")).clean
    assert clean("postgresql 15") == "postgresql 15"


def test_a_short_password_is_hidden_in_its_login() -> None:
    clean = Redactor(secrets_of_url("postgresql://ada:pw@h/d")).clean
    assert clean("postgresql+psycopg://ada:pw@h/d pwd") == "postgresql+psycopg://***h/d pwd"


@given(st.text(min_size=4))
def test_no_secret_survives(secret: str) -> None:
    assert secret not in Redactor([secret]).clean(f"<{secret}>") or set(secret) == {"*"}


# as the drivers say it; `canary` is what somebody's row holds
ERRORS = {
    "PostgreSQL unique": (
        'duplicate key value violates unique constraint "users_email_key"\n'
        "DETAIL:  Key (email)=(canary@x.example) already exists."
    ),
    "PostgreSQL not null": (
        'null value in column "name" of relation "users" violates not-null constraint\n'
        "DETAIL:  Failing row contains (1, canary, null)."
    ),
    "PostgreSQL, a value of several lines": (
        'new row for relation "users" violates check constraint "c"\n'
        "DETAIL:  Failing row contains (1, first\ncanary\n\n canary, null)."
    ),
    "PostgreSQL in French": (
        "la valeur d'une clé dupliquée rompt la contrainte unique « users_email_key »\n"
        "DÉTAIL : La clé « (email)=(canary) » existe déjà."
    ),
    "PostgreSQL syntax of a value": 'invalid input syntax for type integer: "canary"',
    "PostgreSQL, a quote in the value": 'invalid input syntax for type integer: "a"canary"',
    "PostgreSQL enum": 'invalid input value for enum mood: "canary"',
    "PostgreSQL range": 'value "canary" is out of range for type integer',
    "PostgreSQL date": 'date/time field value out of range: "canary"',
    "PostgreSQL array": 'malformed array literal: "canary"\nDETAIL:  Array value must start with canary.',
    "PostgreSQL JSON": (
        'invalid input syntax for type json\nDETAIL:  Token "canary" is invalid.\n'
        "CONTEXT:  JSON data, line 1: canary"
    ),
    "PostgreSQL with its statement": (
        'relation "x" does not exist\nLINE 1: INSERT INTO x VALUES (\'canary\')\n                    ^'
    ),
    "PostgreSQL COPY": 'missing data for column "b"\nCONTEXT:  COPY t, line 1: "canary"',
    "asyncpg in SQLAlchemy": (
        "<class 'asyncpg.exceptions.UniqueViolationError'>: duplicate key value violates unique constraint"
        ' "u"\nDETAIL:  Key (email)=(canary) already exists.'
    ),
    "pg8000": (
        "{'S': 'ERROR', 'C': '23505', 'M': 'duplicate key', 'D': 'Key (email)=(a)canary) already exists.'}"
    ),
    "MariaDB unique": "(1062, \"Duplicate entry 'canary@x.example' for key 'email'\")",
    "MariaDB, a quote in the value": "(1062, 'Duplicate entry \\'it\\'s canary\\' for key \\'email\\'')",
    "MariaDB number": "(1366, \"Incorrect integer value: 'canary' for column `s`.`t`.`n` at row 1\")",
    "MariaDB text": "(1366, \"Incorrect string value: '\\\\xF0canary' for column `s`.`t`.`n` at row 1\")",
    "MariaDB cast": "(1292, \"Truncated incorrect DOUBLE value: 'canary'\")",
    "MariaDB date": "(1292, \"Incorrect datetime value: 'canary' for column `s`.`t`.`d` at row 1\")",
    "SQLAlchemy": (
        "(psycopg.errors.UniqueViolation) duplicate key\nDETAIL:  Key (email)=(canary) already exists.\n"
        "[SQL: INSERT INTO users (email) VALUES (%(email)s)]\n"
        "[parameters: {'email': 'canary'}]\n"
        "(Background on this error at: https://sqlalche.me/e/20/gkpj)"
    ),
    "SQLAlchemy, many rows": (
        "(sqlite3.IntegrityError) UNIQUE constraint failed: users.email\n[SQL: INSERT INTO users (email)"
        " VALUES (?)]\n[parameters: [('canary ] x',), ('a',\n'canary')  ... displaying 10 of 99 total"
        " bound parameter sets ...  ('b',)]]\n(Background on this error)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_no_row_data_leaves_with_an_error(name: str) -> None:
    assert "canary" in ERRORS[name]
    clean = without_row_data(ERRORS[name])
    assert "canary" not in clean
    assert len(clean) > 8, "something is left to say"


def test_what_helps_stays() -> None:
    clean = without_row_data(
        'column "x" cannot be cast automatically to type integer\nDETAIL:  canary\n'
        'HINT:  You might need to specify "USING x::integer".\n[SQL: ALTER TABLE t]\n'
    )
    assert clean == (
        'column "x" cannot be cast automatically to type integer\n'
        'HINT:  You might need to specify "USING x::integer".\n[SQL: ALTER TABLE t]'
    )


def test_a_traceback_stays_readable_behind_the_row_data() -> None:
    clean = without_row_data(
        "Traceback (most recent call last):\npsycopg.errors.UniqueViolation: duplicate key\n"
        "DETAIL:  Key (email)=(canary) already exists.\n\n"
        "The above exception was the direct cause of the following exception:\n\nTraceback (most"
        ' recent call last):\n  File "x.py", line 1\n'
    )
    assert "canary" not in clean
    assert 'File "x.py", line 1' in clean


@pytest.mark.parametrize(
    "text",
    [
        "UNIQUE constraint failed: users.email",
        "no such table: details",
        "(1050, \"Table 'users' already exists\")",
        "Statement timeout reached in the context of parameters",
        "detail is a column\ncontext too",
    ],
)
def test_what_holds_no_row_data_is_left_alone(text: str) -> None:
    assert without_row_data(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\x00b", "a\ufffdb"),
        ("a\u202eb\u2066", "a\ufffdb\ufffd"),
        ("a\r\nb\tc\nd", "a\nb\tc\nd"),
        ("a\rb", "a\ufffdb"),
        ("\x9b31mx", "\ufffd31mx"),
        ("\udcff", "\ufffd"),
        ("üß 😀 漢", "üß 😀 漢"),
    ],
)
def test_foreign_text_becomes_plain(text: str, clean: str) -> None:
    assert plain(text) == clean


@given(st.text())
def test_plain_text_is_plain_whatever_it_was(text: str) -> None:
    clean = plain(text)
    assert not set(clean) & {"\x1b", "\r", "\x00", "\x9b", "\u202e", "\u2028"}
    assert plain(clean) == clean


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line_of_its_length(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_unquoting_is_not_a_spelling_that_hides() -> None:
    assert Redactor([quote(CANARY)]).clean(unquote(quote(CANARY))) == "***"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("cannot reach postgresql+psycopg://app:hunter22@replica/db", "cannot reach postgresql+psycopg://app:***@replica/db"),
        ("/srv/postgresql:/app:hunter22@replica/db is missing", "/srv/postgresql:/app:***@replica/db is missing"),
        ("identity AGE-SECRET-KEY-1QQPQYGZ is no name", "identity *** is no name"),
        ("'redis://:hunter22@cache:6379/0'", "'redis://:***@cache:6379/0'"),
        ("http://host:8080/a and ada@example.invalid", "http://host:8080/a and ada@example.invalid"),
        ("postgresql://app@replica:5432/db", "postgresql://app@replica:5432/db"),
    ],
)  # fmt: skip
def test_the_password_of_a_url_that_nobody_named_is_hidden_too(text: str, clean: str) -> None:
    assert Redactor().clean(text) == clean


def test_what_follows_an_at_sign_that_is_not_quoted_is_a_secret_too() -> None:
    clean = Redactor(secrets_of_url("postgresql://shop:head@tail@127.0.0.1/x")).clean
    assert clean("cannot connect to x on tail@127.0.0.1") == "cannot connect to x on ***@127.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        "(1526, 'Table has no partition for value 778899')",
        "(1105, \"XPATH syntax error: '~778899@x'\")",
    ],
)
def test_values_in_the_messages_of_mariadb_are_taken_out(text: str) -> None:
    assert "778899" not in without_row_data(text)
    assert without_row_data(text).startswith(text[:20])


@given(st.lists(st.text(min_size=1, max_size=100), min_size=1))
def test_words_that_are_pasted_stay_words(words: list[str]) -> None:
    assert shlex.split(shell_words(*words)) == [one_line(word, 500) for word in words]
    assert shlex.split(shell_text(words[0])) == [one_line(words[0], 500)]


def test_ordinary_words_are_pasted_as_they_are() -> None:
    assert shell_words("origin/main", "4f1c2a9b") == "origin/main 4f1c2a9b"
    assert shell_text("merge heads") == '"merge heads"'
    assert shell_text("x $(y)") == "'x $(y)'"


@given(st.text(alphabet="ab'\"\\\n \x00"))
def test_no_text_ends_the_docstring_that_it_is_in(text: str) -> None:
    for quotes in ('"""', "'''"):
        (only,) = ast.parse(f"{quotes}{in_docstring(text)}\n{quotes}").body
        assert isinstance(only, ast.Expr)
        assert isinstance(only.value, ast.Constant)
