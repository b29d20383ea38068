"""The parent's leave to begin further revisions."""

from __future__ import annotations

import time

from ci_migrate.worker.protocol import Channel


class Leave:
    """Good for some seconds, and asked for again before they are over, so that quick revisions seldom wait for it."""

    def __init__(self, channel: Channel, seconds: float) -> None:
        """`seconds` from the question on for which an answer is good; 0 to wait for one before each revision."""
        self._channel = channel
        self._seconds = seconds
        self._given = float("-inf")
        """When the question was asked that was answered last."""
        self._asked: float | None = None
        """When the question was asked that has no answer yet."""

    def await_it(self) -> None:
        """Return as soon as the parent's last look is young enough; what it found is the channel's `stop_reason`."""
        now = time.monotonic()
        self._take_answer(wait=self._asked is not None and now - self._given >= self._seconds)
        age = now - self._given
        if age >= self._seconds:
            self._ask(now)
            self._take_answer(wait=True)
        elif age >= self._seconds / 2 and self._asked is None:
            self._ask(now)

    def _ask(self, now: float) -> None:
        self._channel.send_question("next")
        self._asked = now

    def _take_answer(self, *, wait: bool) -> None:
        if self._asked is not None and self._channel.has_answer("next", wait=wait):
            self._given, self._asked = self._asked, None
