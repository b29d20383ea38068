"""Runs ci-migrate and hits it at one of its own lines: `python walker.py PLACE SIGNAL ARGUMENT…`.

Signal 0 is a bug: an exception that nobody expects, with the words in `FAULT_WORDS`.

A place is the number of a line of the story, counted as they are reached for the first time. The places that
were passed are written to `FAULT_FILE`, one a line, so that a first walk can count them.
"""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

STORY = (
    "story/*", "ledger/*", "upgrade/*", "migrations", "own_runner", "process", "promote", "stops", "verify",
    "backup/take", "backup/secret_file", "cli/run", "database/cancel", "database/driver_thread", "database/engine",
    "database/lock", "database/patience", "report/send",
)  # fmt: skip
"""The modules in which a stop or a crash has something to destroy."""


class Walk:
    """Counts the lines that the main thread reaches, and sends the signal at the one that is meant."""

    def __init__(self, place: int, number: int) -> None:
        import ci_migrate

        self._files = find_files(Path(ci_migrate.__file__).parent)
        self._place, self._number = place, number
        self._seen: set[tuple[str, int]] = set()
        self._passed = Path(os.environ["FAULT_FILE"]).open(  # noqa: SIM115 it stays open to the end
            "w", encoding="utf-8"
        )

    def enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """Follow the lines of a function of the story."""
        is_function = (
            frame.f_code.co_flags & inspect.CO_OPTIMIZED
        )  # not a module, not the body of a class
        return self._follow if is_function and frame.f_code.co_filename in self._files else None

    def _follow(self, frame: FrameType, event: str, _argument: Any) -> Any:
        line = (self._files[frame.f_code.co_filename], frame.f_lineno)
        if event == "line" and line not in self._seen:
            self._seen.add(line)
            self._passed.write(f"{line[0]}:{line[1]}\n")
            self._passed.flush()
            if len(self._seen) == self._place:
                self._hit()
        return self._follow

    def _hit(self) -> None:
        if self._number:
            os.kill(os.getpid(), self._number)
        else:
            raise RuntimeError(f"a bug near {os.environ.get('FAULT_WORDS')}")


def find_files(package: Path) -> dict[str, str]:
    """Return the files of the story and what they are called; a name that fits none has moved."""
    files: dict[str, str] = {}
    for name in STORY:
        found = sorted(package.glob(f"{name}.py"))
        assert found, f"no module {name} is left: the walk would miss its lines"
        files |= {str(file): str(file.relative_to(package)) for file in found}
    return files


def main() -> None:
    """Do what the command does, hit on the way."""
    walk = Walk(int(sys.argv[1]), int(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    from ci_migrate.__main__ import start

    sys.settrace(walk.enter)
    start()


if __name__ == "__main__":
    main()
