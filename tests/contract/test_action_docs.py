"""The action, the result and the documentation name the same inputs and outputs."""

from __future__ import annotations

import re

import yaml

from ci_migrate.models import Outcome, Promotion, RunInfo
from ci_migrate.report.result import build_outputs, build_result
from tests.contract.documents import REFERENCE, first_cells, read_page
from tests.contract.source import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
README = read_page(ROOT / "README.md")
EMPTY = Promotion(outcome=Outcome.FAILED, environment=None, run=RunInfo(run_id="1", started_at=""))


def test_the_outputs_of_the_action_are_those_that_the_result_makes() -> None:
    assert set(ACTION["outputs"]) == set(build_outputs(EMPTY))
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.run.outputs.{name} }}}}"


def test_every_input_reaches_the_environment_of_a_step() -> None:
    handed_over = [value for step in ACTION["runs"]["steps"] for value in step["env"].values()]
    assert [n for n in ACTION["inputs"] if f"${{{{ inputs.{n} }}}}" not in handed_over] == []


def test_the_readme_has_every_input_with_its_default_and_every_output() -> None:
    section = README.section("## The action's inputs and outputs")
    inputs, _, outputs = section.partition("| output |")
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]*) ?\|", inputs, re.M))
    assert set(rows) == set(ACTION["inputs"])
    for name, value in ACTION["inputs"].items():
        # An empty default is told by what it means.
        assert value["default"] in rows[name], name
    assert set(first_cells(outputs)) == set(ACTION["outputs"])


def test_every_key_of_the_result_is_documented_and_told_apart_from_outputs() -> None:
    text = read_page(REFERENCE / "outputs.md").text
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", text, re.M))
    assert list(rows) == list(build_result(EMPTY))
    with_output = {name for name, output in rows.items() if output.strip() != "none"}
    assert with_output == set(build_outputs(EMPTY))


def test_what_is_null_in_json_is_said_to_be_the_text_null() -> None:
    outputs = build_outputs(EMPTY)
    for name in ("backup", "error"):
        assert outputs[name] == "null"
        assert "or the text null" in ACTION["outputs"][name]["description"]
    assert "target" in ACTION["outputs"]["to"]["description"]


def test_every_outcome_is_named() -> None:
    names = {outcome.value for outcome in Outcome}
    described = ACTION["outputs"]["outcome"]["description"]
    page = read_page(REFERENCE / "outputs.md").text
    codes = read_page(REFERENCE / "exit-codes.md").text
    for name in names:
        assert re.search(rf"\b{name}\b", described)
        assert f"`{name}`" in page
        assert f"`{name}`" in codes
