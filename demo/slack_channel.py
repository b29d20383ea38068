"""A Slack channel on this machine: an incoming webhook that keeps its messages and prints them as text."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SlackChannel:
    """The webhook at `url`; `messages` are all that arrived, in order."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Webhook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                messages.append(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_args: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/demo"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def render_message(message: dict[str, Any]) -> str:
    """Return a message as a person reads it in Slack, as plain text."""
    return "\n".join(
        line
        for attachment in message["attachments"]
        for block in attachment["blocks"]
        for line in _block_lines(block)
    )


def _block_lines(block: dict[str, Any]) -> Iterator[str]:
    if "text" in block:
        yield from _labelled(block["text"]["text"])
    for item in block.get("fields", ()):
        yield from _labelled(item["text"])


def _labelled(mrkdwn: str) -> Iterator[str]:
    """Yield a text as it is, one with a bold first line and only one more as `label  text`."""
    first, *rest = _plain(mrkdwn).splitlines()
    if mrkdwn.startswith("*") and len(rest) == 1:
        yield f"{first:<12} {rest[0]}"
    else:
        yield from (first, *rest)


def _plain(mrkdwn: str) -> str:
    """Return mrkdwn without its signs: links as `text (address)`, bold and code as they read."""
    text = re.sub(r"<([^|>]+)\|([^>]+)>", r"\2 (\1)", mrkdwn).replace("```", "").replace("`", "")
    return html.unescape(re.sub(r"(?m)^\*(.+)\*$", r"\1", text))
