"""A step of the action whose command line is wrong: it ends with 2, and every reporter of the runner says why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.promote.shop import build_shop
from tests.promotion import environment, tool

pytestmark = pytest.mark.newest


@pytest.mark.parametrize(
    ("inputs", "words", "advice"),
    [
        ({"COMMAND": "promot"}, "promot", "Commands of `ci-migrate`: `promote`, "),
        ({"COMMAND": "backup tak"}, "tak", "Commands of `ci-migrate backup`: "),
        ({"COMMAND": "promote", "ARGS": '--undone "abc'}, "no closing quotation", "close the"),
        ({"COMMAND": "promote", "ARGS": "--nope"}, "--nope", "`ci-migrate promote --help`"),
        (
            {"COMMAND": "check", "ENVIRONMENT": "dev"},
            "the input `environment` does not belong to `check`",
            "`ci-migrate check --help`",
        ),
        ({"COMMAND": "heads", "CONFIG": "missing.yml"}, "missing.yml", "create it"),
    ],
)
def test_what_is_wrong_is_annotated_summarised_and_put_out(
    tmp_path: Path, inputs: dict[str, str], words: str, advice: str
) -> None:
    shop = build_shop(tmp_path / "shop")
    files = {name: tmp_path / name for name in ("summary", "outputs")}
    env = {
        **shop.env,
        **{f"CI_MIGRATE_{name}": value for name, value in inputs.items()},
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(files["summary"]),
        "GITHUB_OUTPUT": str(files["outputs"]),
    }
    done = subprocess.run(
        tool(),
        cwd=shop.path,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("::error"))
    assert words in line
    assert words in files["summary"].read_text("utf-8").replace("\\", "")
    outputs = files["outputs"].read_text("utf-8")
    assert "failed" in outputs
    error = next(line for line in outputs.splitlines() if line.startswith("{") and "kind" in line)
    assert words in json.loads(error)["message"]
    assert advice in json.loads(error)["next"]
