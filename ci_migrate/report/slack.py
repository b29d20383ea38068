"""The message to Slack: one per run, by incoming webhook."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from ci_migrate.errors import ReporterError
from ci_migrate.models import GateOutcome, Outcome, Promotion
from ci_migrate.redact import Redactor, plain, secrets_of_webhook
from ci_migrate.report import prose

LARGEST_MESSAGE = 10_000
"""Characters in all blocks; Slack refuses messages from about 13,000 on, undocumented."""
LONGEST_SECTION = 2_800
LONGEST_PASSAGE = 1_300
"""Short enough for the four long passages of a failure, its revisions and its facts to fit together."""
LONGEST_FIELD = 250
MOST_REVISIONS = 20
_FENCES = re.compile(r"``+|\A`|`\Z")
"""Backticks that could end a block of code, alone or together with its own."""
_COLOURS = {
    Outcome.PROMOTED: "#2eb67d",
    Outcome.NOTHING_TO_DO: "#aaaaaa",
    Outcome.ROLLED_BACK: "#36c5f0",
    Outcome.RESTORED: "#36c5f0",
    Outcome.ADOPTED: "#36c5f0",
    Outcome.RECOVERED: "#36c5f0",
    Outcome.READY: "#aaaaaa",
    Outcome.BLOCKED: "#ecb22e",
    Outcome.FAILED: "#e01e5a",
    Outcome.PARTIAL: "#8b0000",
    Outcome.UNVERIFIED: "#8b0000",
}

Post = Callable[[str, dict[str, Any]], tuple[int, str]]
"""Posts JSON to a URL and returns status and body; raises ReporterError when nothing answers."""


def post_to_slack(promotion: Promotion, webhook: str, post: Post) -> None:
    """Post the message; raises ReporterError with Slack's own word when it is not taken."""
    status, body = post(webhook, build_message(promotion))
    if status != 200 or body.strip() != "ok":
        # What answers may be a proxy or a test that says the request back.
        word = plain(Redactor(secrets_of_webhook(webhook)).clean(body.strip()))[:100]
        raise ReporterError(
            f"Slack did not take the message: HTTP {status}, {word!r}",
            next_step="no_service, invalid_token and channel_not_found mean that the webhook was revoked"
            " or its channel is gone: make a new one.",
        )


def build_message(promotion: Promotion) -> dict[str, Any]:
    """Return the payload: `text` for notifications, blocks inside an attachment for the colour."""
    title = escape(prose.headline(promotion), 2_000)
    blocks: list[dict[str, Any]] = []
    room = LARGEST_MESSAGE
    for block in itertools.islice(_blocks(promotion), 45):
        size = sum(len(text) for text in _texts(block))
        if size > room:
            continue
        room -= size
        blocks.append(block)
    return {
        "text": title,
        "unfurl_links": False,
        "unfurl_media": False,
        "attachments": [
            {"color": _COLOURS[promotion.outcome], "fallback": title, "blocks": blocks}
        ],
    }


def escape(text: str, limit: int) -> str:
    """Return foreign text as mrkdwn that shows it literally, in at most `limit` characters.

    Slack has no escape for `* _ ~` and backticks: a backtick becomes an apostrophe, the others can only
    change the look.
    """
    return _escape(plain(text).replace("`", "'"), limit)


def _escape_code(text: str, limit: int) -> str:
    """Return foreign text for a block of code: there single backticks, as in a command, stay what they are."""
    clean = _FENCES.sub(lambda match: "'" * len(match[0]), plain(text))
    return _escape(clean, limit)


def _escape(clean: str, limit: int) -> str:
    escaped = ""
    for character in clean:
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        if len(escaped) + len(piece) > limit - 1:
            return escaped + "…"
        escaped += piece
    return escaped


def _blocks(promotion: Promotion) -> Iterator[dict[str, Any]]:
    yield _section(f"*{escape(prose.headline(promotion), LONGEST_SECTION - 2)}*")
    for passage in prose.failure_passages(promotion):
        # More than one line is words and then a command, which is to be pasted.
        is_code = passage.is_code or (passage.label == "Next" and "\n" in passage.text)
        yield _passage(passage.label, passage.text, is_code=is_code)
    for gate in promotion.gates:
        if gate.outcome is GateOutcome.FAILED:
            yield _passage(f"Gate {gate.name}", gate.message, is_code=False)
            if gate.next_step:
                yield _passage("Next", gate.next_step, is_code=True)
    for passage in prose.overridden_gates(promotion):
        yield _passage(passage.label, passage.text, is_code=False)
    if promotion.pending:
        yield _section("\n".join(_revisions(promotion)))
    if promotion.warnings:
        yield _passage("Warnings", "\n".join(promotion.warnings), is_code=False)
    fields = [_field(fact) for fact in prose.facts(promotion)]
    for start in range(0, len(fields), 10):
        yield {"type": "section", "fields": fields[start : start + 10]}
    for passage in prose.rehearsed(promotion):
        yield _passage(passage.label, passage.text, is_code=True)


def _revisions(promotion: Promotion) -> Iterator[str]:
    for line in itertools.islice(prose.revision_lines(promotion), MOST_REVISIONS):
        yield _revision(line)
    if len(promotion.pending) > MOST_REVISIONS:
        yield f"… and {len(promotion.pending) - MOST_REVISIONS} more"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _passage(label: str, text: str, *, is_code: bool) -> dict[str, Any]:
    body = (
        f"```{_escape_code(text, LONGEST_PASSAGE)}```" if is_code else escape(text, LONGEST_PASSAGE)
    )
    return _section(f"*{escape(label, 150)}*\n{body}")


def _revision(line: prose.RevisionLine) -> str:
    return f"`{escape(line.revision, 40)}` {escape(line.message, 60)} ({escape(line.state, 25)})"


def _field(fact: prose.Fact) -> dict[str, Any]:
    value = escape(fact.value, LONGEST_FIELD)
    if fact.url and not set(fact.url) & set("<>|\n "):
        value = f"<{fact.url}|{value.replace('|', '/')}>"
    return {"type": "mrkdwn", "text": f"*{fact.label}*\n{value}"}


def _texts(block: dict[str, Any]) -> Iterator[str]:
    if "text" in block:
        yield block["text"]["text"]
    for field in block.get("fields", ()):
        yield field["text"]
