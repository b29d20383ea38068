"""ci-migrate as a process that is hit while it runs."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.faults.stock import Stock, processes_with, program_of, wait_until
from tests.promotion import Ran, environment, tool

REACHED_SECONDS = 60.0


class Running:
    """A promotion that goes on; `end` waits for it."""

    def __init__(
        self,
        folder: Path,
        url: str,
        *arguments: str,
        point: str = "",
        action: str = "pause",
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = (),
    ) -> None:
        self.id = uuid.uuid4().hex
        self._result = folder / f"result-{self.id}.json"
        self._reached = folder / f"reached-{self.id}"
        fault = {"FAULT_ID": self.id, "FAULT_POINT": point, "FAULT_ACTION": action}
        fault["FAULT_FILE"] = str(self._reached)
        self.process = subprocess.Popen(
            [
                *(program or tool()),
                "promote",
                "--environment",
                "dev",
                "--json",
                str(self._result),
                *arguments,
            ],
            cwd=folder,
            env=environment({"CIM_URL": url, **fault, **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._heard: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def reached(self) -> str:
        """What was written where the run was hit."""
        return self._reached.read_text("utf-8") if self._reached.exists() else ""

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for_line(self, words: str, seconds: float = REACHED_SECONDS) -> None:
        """Wait until a line with these words was printed."""
        wait_until(
            lambda: words in self.output or self._is_over(), seconds, f"{words!r} in\n{self.output}"
        )
        assert words in self.output, self.output

    def wait_for_point(self) -> None:
        """Wait until the project is where it was to be hit."""
        wait_until(lambda: self._reached.exists() or self._is_over(), REACHED_SECONDS, "the point")
        assert self._reached.exists(), self.output

    def wait_for_program(self, name: str) -> None:
        """Wait until a program that the run started is running."""

        def runs() -> bool:
            return name in {program_of(pid) for pid in processes_with("FAULT_ID", self.id)}

        wait_until(lambda: self._is_over() or runs(), REACHED_SECONDS, name)
        assert not self._is_over(), self.output

    def release(self) -> None:
        """Let a project that pauses go on."""
        Path(f"{self._reached}.go").write_text("")

    def stop(self, *numbers: int, pause: float = 0.3) -> float:
        """Send signals with a pause between them and return the seconds until the end."""
        started = time.monotonic()
        for number in numbers:
            if not self._is_over():
                self.process.send_signal(number)
            time.sleep(pause if number is not numbers[-1] else 0)
        self.end()
        return time.monotonic() - started

    def end(self, seconds: float = 120.0) -> Ran:
        """Wait for the end."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.clean_up()
            raise AssertionError(f"it still runs after {seconds} s:\n{self.output}") from None
        self._reader.join(timeout=5)
        result: dict[str, Any] = {}
        if self._result.exists():
            result = json.loads(self._result.read_text("utf-8"))
        return Ran(self.process.returncode, self.output, result)

    def check_gone(self, seconds: float = 5.0) -> None:
        """Fail unless no process of the run is left."""
        try:
            wait_until(lambda: not processes_with("FAULT_ID", self.id), seconds, "processes to end")
        finally:
            self.clean_up()

    def clean_up(self) -> None:
        """Kill what is left of the run."""
        for pid in processes_with("FAULT_ID", self.id):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _is_over(self) -> bool:
        return self.process.poll() is not None

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)


def promote(
    folder: Path, stock: Stock, *arguments: str, env: Mapping[str, str] | None = None
) -> Ran:
    """Promote without a fault, to the end."""
    return Running(folder, stock.url, *arguments, env=env).end()
