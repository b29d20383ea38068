"""What action.yml and the workflows promise to those who read or copy them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
WORKFLOWS = sorted((ROOT / "workflows").glob("*.yml"))
WRITES = {"heads-watch.yml": {"statuses"}}
"""What a workflow may change at GitHub, by its file."""
ONLY_LOOKS = {"check.yml"}
"""Workflows that change nothing: a newer push may end them."""
RESULT_KEYS = [
    "outcome", "environment", "branch", "from", "to", "pending", "applied", "gates", "backup",
    "error", "seconds", "versions",
]  # fmt: skip


def test_inputs_and_outputs_are_those_that_are_documented():
    inputs = ["command", "environment", "config", "working-directory", "python"]
    inputs += ["extras", "args", "github-token"]
    assert list(ACTION["inputs"]) == inputs
    assert list(ACTION["outputs"]) == RESULT_KEYS
    for value in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert value["description"].endswith(".")


def test_each_output_comes_from_the_step_that_runs_the_tool():
    assert [step["id"] for step in ACTION["runs"]["steps"]] == ["install", "run"]
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.run.outputs.{name} }}}}"


def test_no_expression_is_ever_part_of_a_script():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        assert step["run"].strip().splitlines()[-1].startswith("exec ")


def test_every_input_reaches_a_step_by_its_environment():
    used = "\n".join(str(step["env"]) for step in ACTION["runs"]["steps"])
    for name in ACTION["inputs"]:
        assert f"${{{{ inputs.{name} }}}}" in used


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_pinned_bounded_and_asks_for_little(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 360
        assert job["concurrency"]["cancel-in-progress"] is (path.name in ONLY_LOOKS)
        writing = {name for name, level in job["permissions"].items() if level != "read"}
        assert writing <= WRITES.get(path.name, set())
        for step in job["steps"]:
            assert re.fullmatch(
                r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}")
            )
            assert "${{" not in step.get("run", "")
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_pin_permission_and_secret_has_its_reason_beside_it(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if "uses: actions/" in line:
            assert re.search(r"# v\d+\.\d+\.\d+$", line)
        if re.search(r": (read|write)\b", line):
            assert "#" in line
        if "secrets." in line:
            above = [text for text in lines[:number] if "secrets." not in text][-1]
            assert above.lstrip().startswith("#")


def lint(name, *arguments):
    command = Path(sys.executable).parent / name
    found = str(command) if command.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run(
        [found, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.parametrize("path", [ROOT / "action.yml", *WORKFLOWS], ids=lambda path: path.name)
def test_zizmor_has_nothing_to_say(path):
    done = lint("zizmor", "--offline", "--persona=pedantic", "--quiet", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_has_nothing_to_say(path):
    done = lint("actionlint", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
