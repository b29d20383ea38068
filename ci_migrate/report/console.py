"""The console: progress while the run goes on, the account when it ends."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import threading
from collections.abc import Iterable, Mapping
from typing import TextIO

from ci_migrate.github.commands import endgroup, group, neutralise
from ci_migrate.models import GateOutcome, Outcome, Promotion
from ci_migrate.redact import one_line, plain
from ci_migrate.report import prose
from ci_migrate.report.foreseen_text import describe_forecast
from ci_migrate.report.units import format_seconds

MOST_PROJECT_LINES = 1_000
"""Lines of the project's own output that are shown; the rest is counted."""
_COLOURS = {
    Outcome.PROMOTED: "32",
    Outcome.NOTHING_TO_DO: "36",
    Outcome.ROLLED_BACK: "32",
    Outcome.RESTORED: "32",
    Outcome.ADOPTED: "32",
    Outcome.RECOVERED: "32",
    Outcome.READY: "36",
    Outcome.BLOCKED: "33",
    Outcome.FAILED: "31",
    Outcome.PARTIAL: "1;31",
    Outcome.UNVERIFIED: "1;31",
}
_BAR_WIDTH = 24
_COLUMN = 9
"""Characters before what a line says: the longest stage name, rounded up."""


class Console:
    """Tells a person what happens: plain lines with groups in CI, colour and a bar on a terminal."""

    def __init__(self, stream: TextIO, *, is_github: bool, is_terminal: bool) -> None:
        self._stream = stream
        self._is_github = is_github
        self._is_terminal = is_terminal and not is_github
        self._group_is_open = False
        self._project_lines = 0
        self._bar_is_drawn = False
        self._bar = ""
        self._one_by_one = threading.RLock()
        self._current: tuple[str, str, int, int] | None = None

    def stage_started(self, stage: str) -> None:
        """Open a group for the stages in which the project's own code prints."""
        if self._is_github and stage in {"probe", "upgrade", "downgrade"}:
            self._write(group(f"ci-migrate {stage}"))
            self._group_is_open = True

    def stage_ended(self, stage: str, result: str, seconds: float) -> None:
        """Write the stage's line."""
        self._current = None
        self.close_group()
        self._labelled(stage, f"{result}  ({format_seconds(seconds)})", "1")

    def note(self, text: str) -> None:
        """Write an indented line."""
        self._write(f"         {self._foreign(text)}")

    def warn(self, text: str) -> None:
        """Write a warning, every line of it."""
        for line in plain(text).splitlines():
            self._labelled("warning", line, "33")

    def revision_started(self, revision: str, message: str, number: int, total: int) -> None:
        """Name the revision that begins."""
        self._current = (revision, message, number, total)
        if self._is_terminal:
            self._draw_bar(number - 1, total, f"{revision} {one_line(message, 50)}")
        else:
            text = f"[{number}/{total}] {revision} {one_line(message)}"
            self._write(f"         {self._foreign(text)}")

    def revision_ended(self, revision: str, seconds: float) -> None:
        """Write how long the revision took."""
        _, message, number, total = self._current or ("", "", 0, 0)
        self._current = None
        # The bar that named the revision is gone; plain lines named it when it began.
        name = f"{revision} {one_line(message, 60)}" if self._is_terminal else revision
        text = f"[{number}/{total}] {name} done in {format_seconds(seconds)}"
        self._write(f"         {self._foreign(text)}")

    def project_output(self, line: str) -> None:
        """Relay a line of the project's, marked as such; only the first thousand."""
        self._project_lines += 1
        if self._project_lines <= MOST_PROJECT_LINES:
            self._write(self._paint(f"       | {self._foreign(line)}", "2"))
        elif self._project_lines == MOST_PROJECT_LINES + 1:
            self._write("       | … (more output of the project is not shown)")

    def close_group(self) -> None:
        """Close the group if one is open: also after a failure nothing may hide in it."""
        if self._group_is_open:
            self._write(endgroup())
            self._group_is_open = False

    def tell(self, promotion: Promotion) -> None:
        """Write the account of a finished run."""
        self.close_group()
        for gate in promotion.gates:
            if gate.outcome is GateOutcome.FAILED:
                self._gate(gate.name, gate.message, gate.next_step)
        for passage in prose.overridden_gates(promotion):
            self._labelled("gate", f"{passage.label}\n{passage.text}", "33")
        self._failure(promotion)
        for passage in prose.rehearsed(promotion):
            self._labelled("copy", passage.text, "1", is_code=True)
        if promotion.forecast and promotion.applied:
            words = describe_forecast(promotion.forecast, promotion)
            self._labelled("forecast", words, "1")
        self._write(
            self._paint(self._foreign(prose.headline(promotion)), _COLOURS[promotion.outcome])
        )

    def write_text(self, text: str) -> None:
        """Write text of several lines, line by line."""
        self.write_lines(plain(text).splitlines())

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write lines of our own that may hold foreign words: none of those begins a line."""
        for line in lines:
            self._write(self._foreign(line))

    def write_command(self, command: str) -> None:
        """Write a workflow command, already escaped, as it is."""
        self._write(command)

    def _gate(self, name: str, message: str, next_step: str | None) -> None:
        self._labelled("gate", f"{name}: {message}", "33")
        if next_step:
            self._labelled("next", next_step, "1", has_commands=True)

    def _failure(self, promotion: Promotion) -> None:
        for passage in prose.failure_passages(promotion):
            label = passage.label.lower()
            if passage.is_code or len(label) >= _COLUMN:
                self._write(f"{self._paint(self._foreign(label), '1')}:")
                label = ""
            is_next = label == "next"
            self._labelled(label, passage.text, "1", is_code=passage.is_code, has_commands=is_next)

    def _labelled(
        self, label: str, text: str, code: str, *, is_code: bool = False, has_commands: bool = False
    ) -> None:
        """Write text in a column of its own; on a terminal long lines are folded there.

        `has_commands`: a command stands in the second line or later, to be pasted in one piece.
        """
        head = self._paint(label.ljust(_COLUMN - 1) + " ", code) if label else " " * _COLUMN
        for number, line in enumerate(plain(text).splitlines() or [""]):
            is_whole = is_code or (has_commands and number > 0)
            for part in [line] if is_whole else self._fold(line):
                self._write(f"{head}{self._foreign(part)}")
                head = " " * _COLUMN

    def _fold(self, line: str) -> list[str]:
        # What is indented is a command, to be copied in one piece.
        if not self._is_terminal or line.startswith(" "):
            return [line]
        width = max(shutil.get_terminal_size().columns - _COLUMN, 40)
        return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]

    def _foreign(self, text: str) -> str:
        # Each line is written with something of ours in front or behind: one line, no escapes.
        clean = plain(text).replace("\n", " ").replace("\t", " ")
        return neutralise(clean) if self._is_github else clean

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._is_terminal else text

    def _draw_bar(self, done: int, total: int, text: str) -> None:
        filled = _BAR_WIDTH * done // max(total, 1)
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        columns = shutil.get_terminal_size().columns
        line = f"         {bar} {done}/{total} {one_line(text)}"
        # One that is wider would leave a part of itself behind when it is drawn anew.
        self._bar = line[: max(columns - 1, 1)]
        self._put(f"\r\x1b[K{self._bar}", is_bar=True)

    def _write(self, line: str) -> None:
        # What comes in between, such as a line of the project's log, stands above the bar.
        with self._one_by_one:
            bar = self._bar if self._bar_is_drawn and self._current is not None else ""
            self._put(line + "\n")
            if bar:
                self._put(f"\r\x1b[K{bar}", is_bar=True)

    def _put(self, text: str, *, is_bar: bool = False) -> None:
        # What the stream's encoding does not know must not end a run.
        encoding = self._stream.encoding or "utf-8"
        # The project's output and the watch come from threads of their own.
        with self._one_by_one:
            if self._bar_is_drawn and not is_bar:
                text = "\r\x1b[K" + text
            self._bar_is_drawn = is_bar
            try:
                self._stream.write(text.encode(encoding, "replace").decode(encoding))
                # A killed process loses what is not flushed, and a log that is behind misleads.
                self._stream.flush()
            except OSError:
                # Nobody reads any more (`| head`, a full disk): the run goes on, and so do the other reporters.
                _discard(self._stream)


def _discard(stream: TextIO) -> None:
    """Send what a stream still holds, and all that follows, to nowhere."""
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)
    except OSError:
        # A stream without a descriptor has nothing to send.
        return


def open_console(env: Mapping[str, str], stream: TextIO | None = None) -> Console:
    """Return a console on a stream, stdout by default; `env` tells of a runner, and of a wish for no colours."""
    stream = stream or sys.stdout
    is_plain = bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb"
    return Console(
        stream,
        is_github=env.get("GITHUB_ACTIONS") == "true",
        is_terminal=stream.isatty() and not is_plain,
    )
