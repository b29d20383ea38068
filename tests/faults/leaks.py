"""Everything that leaves a run of ci-migrate, gathered so that one search finds a secret anywhere in it."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.promotion import environment, tool

HEAD, TAIL = "Zq7xKhead", "w9Vbtail"
"""Plain letters at both ends of the canary: every spelling but Base64 leaves them as they are."""
PASSWORD = f"{HEAD}%40@ /+$'\"&<üß漢:#{TAIL}"
ASCII_PASSWORD = f"{HEAD}%40@ /+$'\"&<q!:#{TAIL}"
"""PyMySQL sends a password in Latin-1, MariaDB expects UTF-8: ASCII is what works there."""
WORKFLOW = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/main"}


@dataclass(kw_only=True)
class Told:
    """What left a run, by where it went."""

    code: int
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def output(self) -> str:
        return self.texts["stdout"] + self.texts["stderr"]

    def assert_clean(self, words: list[str]) -> None:
        """Fail when any of the words is anywhere."""
        for name, text in self.texts.items():
            for word in words:
                at = text.find(word)
                around = text[max(0, at - 200) : at + 200]
                assert at < 0, f"{name} holds {word!r}: …{around}…"


def marks_of(secret: str) -> list[str]:
    """Return what gives a secret away: its ends in plain letters, and all of it in Base64, wherever it starts."""
    found = [HEAD, TAIL] if HEAD in secret else [secret]
    for spelling in (secret, quote(secret, safe="")):
        raw = spelling.encode()
        for before in range(3):
            text = base64.b64encode(bytes(before) + raw).decode()
            found.append(text[4 * (before > 0) : (before + len(raw)) // 3 * 4][:24])
    return found


def spellings_of(text: str) -> list[str]:
    """Return a text as programs write it: the project prints all of them."""
    return [
        text, repr(text), json.dumps(text), json.dumps(text, ensure_ascii=False), quote(text, safe=""),
        quote(text), quote_plus(text), text.replace("%", "%%"), html.escape(text), str(text.encode()),
        base64.b64encode(text.encode()).decode(), base64.b64encode(b"u:" + text.encode()).decode(),
        text.encode("unicode_escape").decode(), text.replace("'", "''"),
    ]  # fmt: skip


def run_and_gather(
    folder: Path,
    outside: Path,
    *arguments: str,
    env: Mapping[str, str],
    program: Sequence[str] = (),
) -> Told:
    """Run a command in `folder` as GitHub does and gather what left it; `outside` gets its files."""
    outside.mkdir(parents=True, exist_ok=True)
    for name in ("home", "tmp"):
        (outside / name).mkdir(exist_ok=True)
    for name in ("summary", "outputs", "result.json"):
        (outside / name).unlink(missing_ok=True)
    variables = {
        **WORKFLOW,
        "GITHUB_STEP_SUMMARY": str(outside / "summary"),
        "GITHUB_OUTPUT": str(outside / "outputs"),
        "HOME": str(outside / "home"),
        "TMPDIR": str(outside / "tmp"),
        "CI_MIGRATE_DEBUG": "1",
        **env,
    }
    seen: set[str] = set()
    with (outside / "stdout").open("wb") as out, (outside / "stderr").open("wb") as err:
        run = subprocess.Popen(
            [*(program or tool()), *arguments],
            cwd=folder,
            env=environment(variables),
            stdout=out,
            stderr=err,
        )
        watcher = threading.Thread(target=watch_processes, args=(run, seen))
        watcher.start()
        code = run.wait(timeout=120)
        watcher.join()
    texts = {name: (outside / name).read_text("utf-8") for name in ("stdout", "stderr")}
    texts["process arguments"] = "\n".join(seen)
    for place in (folder, outside):
        for name, text in read_files(place):
            texts.setdefault(name, text)
    return Told(code=code, texts=texts)


def read_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file below a folder, with its name as a part of its text."""
    for file in folder.rglob("*"):
        if file.is_file() and ".git/" not in str(file) and "__pycache__" not in file.parts:
            yield str(file), f"{file}\n" + file.read_bytes().decode("utf-8", "replace")


def watch_processes(run: subprocess.Popen[bytes], seen: set[str]) -> None:
    """Gather the arguments of a process and of all that comes from it, by way of whatever parents."""
    ours, foreign = {run.pid}, {os.getpid()}
    while run.poll() is None:
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit() or int(entry.name) in foreign:
                continue
            try:
                stat = (
                    Path(entry.path, "stat")
                    .read_text("utf-8", "replace")
                    .rpartition(")")[2]
                    .split()
                )
                if int(entry.name) in ours or {int(stat[1]), int(stat[3])} & ours:
                    ours.add(int(entry.name))
                    line = Path(entry.path, "cmdline").read_bytes().decode("utf-8", "replace")
                    seen.add(line.replace("\x00", " "))
                else:
                    foreign.add(int(entry.name))
            except (OSError, IndexError):
                continue
        time.sleep(0.01)
