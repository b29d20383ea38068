"""Slack's limits on a message, as far as a webhook enforces them (docs.slack.dev, block kit reference)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_BLOCKS = 50
MAX_BLOCK_CHARACTERS = 13_000
"""Over all blocks; not documented, seen as `msg_blocks_too_long` at about 13,200."""
MAX_TEXT = 40_000

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why Slack refuses a message: the error word that it answers, and a reason for people."""

    word: str
    reason: str


def find_problem(body: str) -> Problem | None:
    """Return the first thing that Slack would refuse, or None."""
    try:
        message = json.loads(body)
    except ValueError:
        return Problem(word="invalid_payload", reason="the body is not JSON")
    if not isinstance(message, dict):
        return Problem(word="invalid_payload", reason="the body is not an object")
    text = message.get("text")
    if not isinstance(text, str) or not text.strip():
        return Problem(
            word="no_text", reason="text is missing or empty: notifications show nothing"
        )
    if len(text) > MAX_TEXT:
        return Problem(word="msg_too_long", reason=f"text has {len(text)} characters")
    attachments = message.get("attachments", [])
    if not isinstance(attachments, list) or len(attachments) > 100:
        return Problem(word="too_many_attachments", reason="more than 100 attachments")
    for blocks in [message.get("blocks", []), *(part.get("blocks", []) for part in attachments)]:
        for reason in find_block_problems(blocks):
            return Problem(word="invalid_blocks", reason=reason)
        size = sum(len(string) for string in strings_in(blocks))
        if size > MAX_BLOCK_CHARACTERS:
            return Problem(word="msg_blocks_too_long", reason=f"{size} characters in all blocks")
    return None


def find_block_problems(blocks: Any) -> Iterator[str]:
    """Yield what is wrong with a list of blocks."""
    if not isinstance(blocks, list):
        yield "blocks is not a list"
        return
    if len(blocks) > MAX_BLOCKS:
        yield f"{len(blocks)} blocks, at most {MAX_BLOCKS}"
    for number, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, dict) else None
        check = CHECKS.get(str(kind))
        if check is None:
            yield f"blocks[{number}]: unknown type {kind!r}"
            continue
        for reason in check(block):
            yield f"blocks[{number}] ({kind}): {reason}"
        if len(str(block.get("block_id", ""))) > 255:
            yield f"blocks[{number}] ({kind}): block_id is longer than 255"


def check_text(value: Any, limit: int, *types: str) -> Iterator[str]:
    """Yield what is wrong with a text object."""
    if not isinstance(value, dict) or value.get("type") not in types:
        yield f"text must be an object of type {' or '.join(types)}, not {value!r}"
        return
    text = value.get("text")
    if not isinstance(text, str) or not text:
        yield "text is empty"
    elif len(text) > limit:
        yield f"text has {len(text)} characters, at most {limit}"


def check_section(block: Json) -> Iterator[str]:
    """Yield what is wrong with a section."""
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield "neither text nor fields"
    if "text" in block:
        yield from check_text(block["text"], 3000, "mrkdwn", "plain_text")
    if len(fields) > 10:
        yield f"{len(fields)} fields, at most 10"
    for value in fields:
        yield from check_text(value, 2000, "mrkdwn", "plain_text")


def check_header(block: Json) -> Iterator[str]:
    """Yield what is wrong with a header."""
    yield from check_text(block.get("text"), 150, "plain_text")


def check_context(block: Json) -> Iterator[str]:
    """Yield what is wrong with a context block."""
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 10:
        yield f"{len(elements)} elements, 1 to 10 are allowed"
    for element in elements:
        if element.get("type") == "image":
            yield from check_image(element)
        else:
            yield from check_text(element, 3000, "mrkdwn", "plain_text")


def check_actions(block: Json) -> Iterator[str]:
    """Yield what is wrong with a row of buttons."""
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield f"{len(elements)} elements, 1 to 25 are allowed"
    for element in elements:
        if element.get("type") == "button":
            yield from check_text(element.get("text"), 75, "plain_text")
            if len(element.get("url", "")) > 3000:
                yield "the url of a button is longer than 3000"
            if len(element.get("value", "")) > 2000:
                yield "the value of a button is longer than 2000"


def check_image(block: Json) -> Iterator[str]:
    """Yield what is wrong with an image."""
    if not block.get("alt_text") or len(block["alt_text"]) > 2000:
        yield "alt_text is missing or longer than 2000"
    if not block.get("image_url") and not block.get("slack_file"):
        yield "neither image_url nor slack_file"


def check_markdown(block: Json) -> Iterator[str]:
    """Yield what is wrong with a markdown block."""
    text = block.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= 12_000:
        yield "text must have 1 to 12000 characters"


def check_divider(_block: Json) -> Iterator[str]:
    """Yield nothing: a line has nothing that could be wrong."""
    yield from ()


CHECKS: dict[str, Callable[[Json], Iterator[str]]] = {
    "section": check_section,
    "header": check_header,
    "context": check_context,
    "actions": check_actions,
    "image": check_image,
    "markdown": check_markdown,
    "divider": check_divider,
}


def strings_in(value: Any) -> Iterator[str]:
    """Yield every text of a block structure."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "text" and isinstance(part, str):
                yield part
            else:
                yield from strings_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings_in(part)
