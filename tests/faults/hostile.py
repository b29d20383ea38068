"""Words of strangers, steps of a workflow that meet them, and what the runner makes of all that these leave."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.promotion import environment, tool
from tests.servers.slack import SlackServer
from tests.unit.report.runner_log import Log, read_log
from tests.unit.report.samples import HOSTILE
from tests.unit.report.test_markdown import parse, visible

WORDS = {
    "everything": HOSTILE.replace("\r", "")
    + "::stop-commands::x\n::set-output name=outcome::promoted\n",
    "outputs": "x\noutcome<<EOF\npromoted\nEOF\nghadelimiter_0\n::set-env name=PATH::/tmp\n::add-path::/tmp",
    "invisible": "\ufeff::error::no\n\u200b::warning::no\n\u00a0::add-mask::e\n\u202e::group::x\n\x00::endgroup::",
    "legacy": "x ##[error]no ##[command]rm ##[set-env name=A]b #\u200b#[debug] ##[add-mask]a",
    "ansi": "\x1b[2J\x1b[1;1H\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\ \x9b31m\x07\x08\x08",
    "large": "<!channel> ::error::no ##[error]no @octocat `| " * 20_000,
}
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]"
)
"""Control characters but tab and newline, and what turns the direction of a text."""
OUTPUTS = {
    "outcome", "environment", "branch", "from", "to", "pending", "applied", "gates", "backup", "error",
    "seconds", "versions",
}  # fmt: skip
FORGED = "dev: PROMOTED to forged"
"""A line as of ours: where it stands at the beginning of a line, whoever reads that is deceived."""
STRANGER = "".join(f"{WORDS[kind]}\n" for kind in WORDS if kind != "large") + f"{FORGED}\n"
PASTED = re.compile(
    r"(?:--expect|--undone|alembic stamp|ci-migrate merge|git merge|git fetch origin|-m '[^']*'|-m \"[^\"]*\") # ?#\["
    r"|-m \"[^\"\n]*[$`]"
)
"""A word of a stranger's in a command that we advise, where a shell would run a part of it."""
OURS = {"group", "endgroup", "error"}
"""The workflow commands that a step of ours gives; one of the action masks secrets, too."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a command left that ran as a step of a workflow."""

    code: int
    stdout: str
    stderr: str
    summary: str
    outputs: Mapping[str, str]
    result: Any
    """What `--json` gave; None without it, and where the command failed before it."""

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def read_outputs(text: str) -> dict[str, str]:
    """Read an outputs file as GitHub's runner does: line by line, heredocs, nothing else."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        name, heredoc, delimiter = line.partition("<<")
        assert heredoc, f"the runner refuses the line {line!r}"
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        else:
            raise AssertionError(f"the value of {name} has no end")
        assert name not in found, f"{name} is given twice"
        found[name] = "\n".join(value)
    return found


def run_step(project: Path, outside: Path, *argv: str, env: Mapping[str, str]) -> Step:
    """Run a command in a project as a step of a workflow; `outside` gets the runner's files."""
    outside.mkdir(exist_ok=True)
    files = {"GITHUB_STEP_SUMMARY": outside / "summary", "GITHUB_OUTPUT": outside / "outputs",
             "GITHUB_ENV": outside / "env", "GITHUB_PATH": outside / "path"}  # fmt: skip
    for file in files.values():
        file.write_bytes(b"")
    variables = {
        "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_WORKSPACE": str(project), "PYTHONUTF8": "1",
        **{name: str(file) for name, file in files.items()}, **env,
    }  # fmt: skip
    done = subprocess.run(
        [*tool(), *argv], cwd=project, env=environment(variables), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    texts = {name: file.read_text("utf-8") for name, file in files.items()}
    assert (texts["GITHUB_ENV"], texts["GITHUB_PATH"]) == ("", "")
    stdout = done.stdout.decode("utf-8")
    return Step(
        code=done.returncode,
        stdout=stdout,
        stderr=done.stderr.decode("utf-8"),
        summary=texts["GITHUB_STEP_SUMMARY"],
        outputs=read_outputs(texts["GITHUB_OUTPUT"]),
        result=json.loads(stdout) if argv[-2:] == ("--json", "-") and stdout else None,
    )


def assert_harmless(step: Step) -> None:
    """Fail when anything of a stranger's is obeyed, forges a line, or breaks an output."""
    for text in (step.stdout, step.stderr, step.output, step.stderr + step.stdout):
        assert_no_command(text)
    for name, text in step.outputs.items():
        assert read_log(text).commands == [], f"a step that prints {name} is deceived"
    for text in (step.output, step.summary, *step.outputs.values()):
        assert not FORBIDDEN.search(text), show(FORBIDDEN, text)
    assert not re.search(rf"(?m)^{FORGED}", step.output), step.output[-5_000:]
    assert not PASTED.search(step.output), show(PASTED, step.output)
    assert "This is a bug" not in step.output, step.output
    if step.outputs:
        assert set(step.outputs) == OUTPUTS
        assert json.loads(step.outputs["pending"]) is not None
    if step.outputs and step.result is not None:
        assert step.outputs["outcome"] == step.result["outcome"]
    assert_summary(step.summary)


def assert_no_command(output: str) -> None:
    """Fail when the runner finds a command in an output that is none of ours."""
    log: Log = read_log(output)
    names = [command.partition(" ")[0] for command in log.commands]
    assert set(names) <= OURS, log.commands
    assert log.open_groups == 0
    assert not [command for command in log.commands if re.match(r"error (no|forged)", command)]
    for line in output.splitlines():
        if line.startswith("::group"):
            assert re.fullmatch(r"::group::ci-migrate (probe|upgrade|downgrade)", line), line
        if line.startswith("::error"):
            properties = dict(read_properties(line))
            assert set(properties) <= {"file", "line", "title"}, line
            assert properties["title"].startswith("ci-migrate"), line


def check_slack(slack: SlackServer) -> None:
    """Fail when a message mentions, links or formats but as we mean it; Slack itself took each."""
    for message in slack.messages:
        told = json.dumps(message, ensure_ascii=False)
        assert not re.search(r"<[!@#]", told)
        assert set(re.findall(r"<(\w+:[^|>]*)", told)) <= {
            "https://github.com/acme/shop/actions/runs/7",
            "https://github.com/acme/shop/commit/" + "1" * 40,
        }
        assert not FORBIDDEN.search(told), show(FORBIDDEN, told)


def read_properties(line: str) -> Iterator[tuple[str, str]]:
    """Yield the properties of an annotation."""
    for item in line.removeprefix("::error").partition("::")[0].strip().split(","):
        name, _, value = item.partition("=")
        yield name, value


def assert_summary(summary: str) -> None:
    """Fail when the summary is too large, or anything of a stranger's in it is more than text."""
    assert len(summary.encode()) <= 1024 * 1024
    text = visible(parse(summary))
    text = re.sub(r"\]\(https://github\.com/acme/shop/[\w/]+\)", "", text)
    text = re.sub(r"</?sub>|<br>", "", text)
    assert "<" not in text, text
    assert not re.search(r"(?<!\\)\]\(", text), text
    assert not re.search(r"@\w", text), text
    assert not re.search(r"(?i)https?://", text), text


def show(pattern: re.Pattern[str], text: str) -> str:
    """Return what stands around a sign that should not be there."""
    found = pattern.search(text)
    return repr(text[max(0, found.start() - 200) : found.end() + 200]) if found else ""
