"""SQL text of SQLite as words, so that quoting, case and line breaks make no difference."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<skip>--[^\n]*|/\*.*?\*/|\s+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<word>[\w$.]+)
    |(?P<sign>.)""",
    re.DOTALL | re.VERBOSE,
)


def spell_words(sql: str) -> tuple[str, ...]:
    """Return the words and signs of an SQL text: names without quotes, words in lower case."""
    found = []
    for match in _TOKEN.finditer(sql):
        kind, text = match.lastgroup, match.group()
        if kind == "name":
            found.append(text[1:-1].replace(text[0] * 2, text[0]).lower())
        elif kind in {"word", "sign"}:
            found.append(text.lower())
        elif kind == "text":
            found.append(text)
    return tuple(found)


def find_clauses(sql: str) -> Iterator[str]:
    """Yield the clauses of a CREATE TABLE that no PRAGMA tells: checks, collations, generated values."""
    words = spell_words(sql)
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if word in {"check", "as"} and following == "(":
            yield f"{word} {' '.join(_in_brackets(words, at + 1))}"
        elif word == "collate":
            yield f"collate {following}"
        elif word in {"autoincrement", "strict"} or (word, following) == ("without", "rowid"):
            yield word


def _in_brackets(words: tuple[str, ...], start: int) -> tuple[str, ...]:
    depth = 0
    for at in range(start, len(words)):
        depth += {"(": 1, ")": -1}.get(words[at], 0)
        if depth == 0:
            return words[start : at + 1]
    return words[start:]
