"""Run a workflow on this machine with act, and read what a person would see on GitHub.

act runs the steps in a copy of the repository, without containers. It does not enforce
`environment:`, `concurrency:` and `permissions:`. Actions of other repositories are taken from
local folders.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NO_SHA = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ActResult:
    """What a run of a workflow showed."""

    returncode: int
    log: str
    """All that the steps printed, and act's own lines, secrets masked."""
    outputs: Mapping[str, Mapping[str, str]]
    """Outputs by the id of a step of the workflow."""
    results: Mapping[str, str]
    """`success`, `failure` or `skipped`, by the id (or index) of a step of the workflow."""
    summary: str
    """Job summary of all steps together."""
    annotations: tuple[Mapping[str, Any], ...]
    """Each with `level`, `message` and the properties of the command."""


def find_act() -> str | None:
    """Return the path of act: of this environment, or on PATH."""
    beside = Path(sys.executable).parent / "act"
    return str(beside) if beside.exists() else shutil.which("act")


def run_act(
    repository: Path,
    folder: Path,
    *,
    event: str = "push",
    ref: str = "refs/heads/dev",
    payload: Mapping[str, Any] | None = None,
    workflow: str | None = None,
    actions: Mapping[str, Path],
    secrets: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300,
) -> ActResult:
    """Run the workflows of a git repository for one event.

    `folder` receives act's caches; `actions` are local folders by `owner/name@ref`; `timeout` is in
    seconds. `ref` and what is in `payload` make up the event's payload. `workflow` is the file of the only
    one that is run. The triggers of a workflow are matched by event only: act does not look at `branches:`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    event_file = folder / "event.json"
    event_file.write_text(json.dumps({"ref": ref, "deleted": False, **(payload or {})}))
    command = [find_act() or "act", event, "--json", "--eventpath", str(event_file)]
    command += ["--platform", "ubuntu-latest=-self-hosted", "--container-daemon-socket", "-"]
    command += ["--no-cache-server"]
    command += ["--workflows", workflow] if workflow else []
    for option in ("secret", "env", "var", "input"):
        command += [f"--{option}-file", os.devnull]
    for name in secrets or {}:
        # The value comes out of act's environment as it is; in a file it would be parsed.
        command += ["--secret", name]
    for name, path in actions.items():
        command += ["--local-repository", f"{name}={path}"]
    for name, value in (env or {}).items():
        command += ["--env", f"{name}={value}"]
    done = subprocess.run(
        command,
        cwd=repository,
        env={**_environment(folder), **(secrets or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
        text=True,
    )
    return _read(done.returncode, done.stdout)


def _environment(folder: Path) -> dict[str, str]:
    """Return act's own environment: nothing of a runner that the tests themselves may run on."""
    kept = ("PATH", "PIP_", "UV_", "SSL_CERT", "REQUESTS_CA", "LANG", "LC_", "TMPDIR")
    taken = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    return {**taken, "HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache")}


def _read(returncode: int, output: str) -> ActResult:
    log, summary, annotations = [], [], []
    outputs: dict[str, dict[str, str]] = {}
    results: dict[str, str] = {}
    for line in output.splitlines():
        entry = json.loads(line) if line.startswith("{") else {"msg": line}
        log.append(entry["msg"].rstrip("\n"))
        step, command = entry.get("stepID", []), entry.get("command")
        if command in {"error", "warning", "notice"}:
            annotation = {"level": command, "message": entry["arg"], **entry["kvPairs"]}
            annotations.append(annotation)
        elif len(step) == 1 and command == "set-output":
            outputs.setdefault(step[0], {})[entry["name"]] = entry["arg"]
        elif len(step) == 1 and command == "summary":
            summary.append(entry["content"])
        elif len(step) == 1 and entry.get("stage") == "Main" and "stepResult" in entry:
            results[step[0]] = entry["stepResult"]
    return ActResult(
        returncode=returncode,
        log="\n".join(log),
        outputs=outputs,
        results=results,
        summary="".join(summary),
        annotations=tuple(annotations),
    )
