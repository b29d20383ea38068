"""Secrets and row data out of text, and foreign text made harmless to a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST_SECRET = 4
"""Shorter values are not replaced: they would tear holes into ordinary words."""

_ROW_DATA_LINES = re.compile(
    r"(?im)^\s*(?:DETAIL|CONTEXT|\s*LINE \d+|STATEMENT|PARAMETERS)\b:?.*(?:\n|$)"
)
_KEY_VALUES = re.compile(r"(?i)\b(Key|Failing row contains) ?\(.*?\)(=\(.*?\))?")
_PARAMETERS = re.compile(r"(?s)\[parameters: .*?\](?=\n|$)|\[parameters: .*")
_QUOTED_VALUES = re.compile(
    r"(?i)(invalid input (?:syntax|value) for [^:]+: |Duplicate entry |Incorrect [^:]+ value: "
    r"|Truncated incorrect [^:]+ value: |value \")(?:\"[^\"]*\"|'(?:[^']|'')*'|[^\"]*\")"
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


class Redactor:
    """Replaces known secret values, in every spelling they may take, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {form for secret in secrets for form in spellings_of(secret)}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return the text without any of the secrets."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text


def spellings_of(secret: str) -> set[str]:
    """Return the forms in which a secret can appear: raw, URL-quoted, doubled `%`, escaped."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    forms = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote(secret, safe=" +"),
        quote(secret, safe="+"),
        quote_plus(secret),
        secret.replace("\\", "\\\\").replace('"', '\\"'),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
        secret.replace("'", "''"),
        repr(secret)[1:-1],
        secret.encode("unicode_escape").decode("ascii"),
        unquote(secret),
    }
    forms |= {form.replace("%", "%%") for form in forms}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def secrets_of_url(url: str) -> tuple[str, ...]:
    """Return the secret parts of a database URL or webhook URL: the whole, and its password."""
    found = []
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return (url,)
    if password:
        found += [url, password, unquote(password)]
    match = re.search(r"[?&]password=([^&]+)", url)
    if match:
        found += [url, match.group(1), unquote(match.group(1))]
    return tuple(found)


def without_row_data(text: str) -> str:
    """Return a database error without DETAIL, key values, parameters and quoted input values."""
    text = _PARAMETERS.sub("", text)
    text = _ROW_DATA_LINES.sub("", text)
    text = _KEY_VALUES.sub(r"\1 (...)", text)
    text = _QUOTED_VALUES.sub(r"\1'...'", text)
    return text.strip()


def plain(text: str) -> str:
    """Return foreign text without terminal escapes, control and direction characters, and half characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", text.replace("\r\n", "\n")))


def one_line(text: str, limit: int = 200) -> str:
    """Return foreign text as one plain line of at most `limit` characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
