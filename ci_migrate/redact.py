"""Secrets and row data out of text, and foreign text made harmless to a terminal."""

from __future__ import annotations

import binascii
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
SHORTEST_SECRET = 4
"""Shorter values are not replaced: they would tear holes into ordinary words."""

COMMON_NAMES = frozenset({"postgres", "postgresql", "mysql", "mariadb", "sqlite", "root"})
"""Words that every message has; one that is also somebody's password hides nothing."""
SHORTEST_BASE64 = 8
"""Characters; a shorter piece of Base64 is found in ordinary words."""
SHORTEST_PATH = 16
"""Characters of a webhook's path from which on it is taken for a secret."""

# The first group is what stands for a login in any URL, the second the password.
_PASSWORDS = (
    re.compile(r"(?s)[\w.+-]+://([^:/@]*:(.+)@)"),
    re.compile(r"[\w.+-]+://([^:/@]*:([^@]+)@)"),
    re.compile(r"[?&]((?:password|passwd)=([^&]+))"),
)
# With one slash, too: where a URL was taken for a path, the second one is lost.
_LOGINS = re.compile(r"(:/+[^\s:/@]*:)[^\s/@]+@")
_KEYS = re.compile(r"AGE-SECRET-KEY-[0-9A-Z-]+")
_NAMES = (
    re.compile(r"[\w.+-]+://([^:/@?]+)(?::.*)?@"),
    re.compile(r"(?s)[\w.+-]+://(?:.*@)?([^:@/?,]+)"),
    re.compile(r"(?s)[\w.+-]+://(?:.*@)?[^@/]*/([^/?@]+)"),
    re.compile(r"[?&](?:user|host|dbname|database)=([^&]+)"),
)
_LOWER_HEX = re.compile(r"%[0-9A-F]{2}")
# The field names are the server's, in its language; a value may have lines of its own, so a field goes
# on until something begins that is not part of it.
_ROW_FIELDS = (
    r"DETAIL|DÉTAIL|DETALLE|DETTAGLI|DETALHE|DETALJ|SZCZEGÓŁY|ПОДРОБНОСТИ|AYRINTI|詳細|描述|상세정보"
    r"|CONTEXTE?|CONTEXTO|CONTESTO|KONTEXT|ZUSAMMENHANG|КОНТЕКСТ|STATEMENT|QUERY|PARAMETERS|LINE \d+"  # noqa: RUF001
)
_ROW_DATA = re.compile(
    rf"(?ms)^[ \t]*(?:{_ROW_FIELDS}) ?[:\uff1a].*?"
    r"(?=^[ \t]*HINT:|^\[SQL: |^\[parameters: |^\(Background on |^The above exception |^During handling "
    r"|^Traceback |^  File \"|\Z)"
)
_KEY_VALUES = re.compile(
    r"(?s)\b(?:(Key) \(.*?\)=\(.*?\)(?= (?:already exists|conflicts with|is ))"
    r"|(Failing row contains) \(.*\))"
)
_PARAMETERS = re.compile(r"(?s)\[parameters: .*?\](?=\n|$)|\[parameters: .*")
# A value is shown with its own quotation marks unescaped, so it ends where the sentence goes on.
_QUOTED_VALUES = (
    re.compile(r"(?s)(Duplicate entry )\\?['\"].*?\\?['\"](?= for key )"),
    re.compile(r"(?s)((?:Incorrect|Invalid) [\w ]+ value: )\\?['\"].*?\\?['\"](?= for column )"),
    re.compile(r"(Table has no partition for value )[^\n'\")]+"),
    re.compile(r"(?s)(XPATH syntax error: )\\?['\"].*?\\?['\"](?=\)|$)"),
    re.compile(r"(?m)(Truncated incorrect [\w() ]+ value: ).*"),
    re.compile(
        r"(?s)((?:invalid input (?:syntax|value) for [^:\n]+|field value out of range"
        r"|malformed (?:array|range|record) literal): )\".*?\"(?=\n|$)"
    ),
    re.compile(r"(?s)(\bvalue )\".*?\"(?= is (?:out of range|not ))"),
)
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)
_OBEYED_IN_QUOTES = re.compile(r'["$`\\!]')
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")


class Redactor:
    """Replaces known secret values, in every spelling they may take, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secrets)
        spellings = {form for secret in self._secrets for form in spellings_of(secret)}
        self.spellings = sorted(spellings, key=len, reverse=True)
        """What is replaced, the longest first."""

    def knowing(self, secrets: Iterable[str]) -> Redactor:
        """Return one that knows these, too."""
        return Redactor([*self._secrets, *secrets])

    def clean(self, text: str) -> str:
        """Return the text without any of the secrets, and without the password of any URL."""
        for spelling in self.spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        # A project may know databases of which we know nothing.
        return mask_known_forms(text)


def mask_known_forms(text: str) -> str:
    """Return a text without what is a secret by its form: the password of any URL, a private key of age."""
    if "AGE-SECRET-KEY-" in text:
        text = _KEYS.sub(MASK, text)
    return _LOGINS.sub(rf"\1{MASK}@", text) if ":/" in text else text


def spellings_of(secret: str) -> set[str]:
    """Return the forms in which a secret can appear: raw, URL-quoted, doubled `%`, escaped, Base64."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    quoted = {quote(secret, safe=safe) for safe in ("", "/", " +", "+", " ")} | {quote_plus(secret)}
    # Of SQLAlchemy 1.4, which leaves everything else as it is.
    quoted.add(re.sub(r"[:@/]", lambda match: f"%{ord(match[0]):X}", secret))
    forms = {
        secret,
        unquote(secret),
        secret.replace("'", "''"),
        secret.replace("'", "'\"'\"'"),
        secret.replace("\\", "\\\\").replace('"', '\\"'),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        repr(secret.encode("utf-8", "replace"))[2:-1],
        secret.encode("unicode_escape").decode("ascii"),
    }
    forms |= quoted | {_LOWER_HEX.sub(lambda match: match[0].lower(), form) for form in quoted}
    forms |= {form.replace("%", "%%") for form in forms}
    forms |= set(_html_of(secret)) | set(_base64_of(secret.encode("utf-8", "replace")))
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def _html_of(secret: str) -> Iterator[str]:
    text = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield text
    for quote_sign, apostrophe in (("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&apos;")):
        yield text.replace('"', quote_sign).replace("'", apostrophe)


def _base64_of(secret: bytes) -> Iterator[str]:
    """Yield what is sure to be seen of a secret in the Base64 of a text that has it somewhere inside."""
    for before in range(3):
        text = binascii.b2a_base64(bytes(before) + secret, newline=False).decode()
        sure = text[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(sure) >= SHORTEST_BASE64:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")


def names_of_url(url: str) -> frozenset[str]:
    """Return the user, host and database of a database URL: words that every message may show."""
    found = {match[1] for pattern in _NAMES for match in pattern.finditer(url)}
    return frozenset({unquote(name) for name in found} | found)


def secrets_of_url(url: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the secret parts of a database URL: the whole, its login, and its password.

    A password that is also the name of its user, host or database, or one of `names`, is a secret only
    together with the login: by itself it would hide that name everywhere.
    """
    found = []
    known = COMMON_NAMES | names_of_url(url) | frozenset(names)
    # As SQLAlchemy reads it: a password may have signs that other parsers want to be quoted, in newer
    # versions even `@`.
    for match in (pattern.search(url) for pattern in _PASSWORDS):
        if match:
            values = (match[2], unquote(match[2]), unquote_plus(match[2]))
            found += [url, match[1], unquote(match[1])]
            found += [value for value in values if value not in known]
            # An `@` that is not quoted: what follows it is taken for the host, and shown.
            found += [piece for piece in match[2].split("@")[1:] if piece not in known]
    return tuple(dict.fromkeys(found))


def secrets_of_webhook(url: str) -> tuple[str, ...]:
    """Return the secret parts of a webhook URL: the whole, and its path, which HTTP clients show alone.

    Whoever knows a webhook can post to it: it has no password, it is one.
    """
    path = "/" + url.partition("://")[2].partition("/")[2]
    return (url, path) if len(path) >= SHORTEST_PATH else (url,)


def without_row_data(text: str) -> str:
    """Return a database error without DETAIL, key values, parameters and quoted input values."""
    text = _PARAMETERS.sub("", text)
    text = _ROW_DATA.sub("", text)
    text = _KEY_VALUES.sub(lambda match: f"{match[1] or match[2]} (...)", text)
    for pattern in _QUOTED_VALUES:
        text = pattern.sub(r"\1'...'", text)
    return text.strip()


def plain(text: str) -> str:
    """Return foreign text without terminal escapes, control and direction characters, and half characters."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", text.replace("\r\n", "\n")))


def escape_control(json_text: str) -> str:
    """Return the same JSON, in which what `plain` takes out of a text is spelled as an escape."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", json_text)


def one_line(text: str, limit: int = 200) -> str:
    """Return foreign text as one plain line of at most `limit` characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def shell_words(*words: str) -> str:
    """Return words of a command that somebody may paste: a shell takes each as one word, whatever is in it."""
    return shlex.join(one_line(word, 500) for word in words)


def shell_text(text: str) -> str:
    """Return a text as one word of a command that somebody may paste, in quotation marks."""
    line = one_line(text, 500)
    return shlex.quote(line) if _OBEYED_IN_QUOTES.search(line) else f'"{line}"'


def in_docstring(text: str) -> str:
    """Return foreign text as one line that cannot end the docstring in which it is written."""
    line = one_line(text, 1_000).replace("\\", "/").replace('"', "'")
    return re.sub("'{3,}", "'", line)
