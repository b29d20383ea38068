"""The JSON result and the step outputs: the documented keys, for every end of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ci_migrate.models import GOOD_OUTCOMES, Outcome
from ci_migrate.report.result import build_outputs, build_result, render_result
from tests.unit.report.samples import HOSTILE, make_hostile, make_pending, make_promotion

OUTCOMES = list(Outcome)
SCHEMA = Path(__file__).parents[3] / "docs/reference/result.schema.json"
TEXT, LIST = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
MAYBE = {"type": ["string", "null"]}
PROMISED = {
    "outcome": {"enum": [outcome.value for outcome in Outcome]},
    "environment": MAYBE,
    "branch": MAYBE,
    "from": LIST,
    "to": LIST,
    "pending": {"type": "array", "items": {"required": ["revision", "message", "file", "atomic"]}},
    "applied": {"type": "array", "items": {"required": ["revision", "message", "seconds"]}},
    "gates": {"type": "array", "items": {"required": ["name", "outcome", "message"]}},
    "backup": {
        "type": ["object", "null"],
        "required": ["backend", "location", "bytes", "sha256", "verified", "seconds"],
    },
    "error": {
        "type": ["object", "null"],
        "required": [
            "stage", "kind", "message", "revision", "file", "line", "statement", "next",
        ],
    },
    "seconds": {"type": "number"},
    "versions": {"type": "object", "additionalProperties": TEXT},
}  # fmt: skip


def ends() -> list[Any]:
    return [make(outcome) for outcome in OUTCOMES for make in (make_promotion, make_hostile)]


@pytest.mark.parametrize("promotion", ends())
def test_every_end_has_the_promised_keys(promotion: Any) -> None:
    schema = {"type": "object", "properties": PROMISED, "required": list(PROMISED)}
    jsonschema.validate(json.loads(render_result(promotion)), schema)


@pytest.mark.skipif(not SCHEMA.exists(), reason="the schema of the result is not written yet")
@pytest.mark.parametrize("promotion", ends())
def test_every_end_is_valid_by_the_committed_schema(promotion: Any) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.validate(json.loads(render_result(promotion)), schema)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_error_is_there_when_the_run_did_not_reach_its_target(outcome: Outcome) -> None:
    assert (build_result(make_promotion(outcome))["error"] is None) == (outcome in GOOD_OUTCOMES)


def test_a_failure_keeps_what_had_run_and_what_to_do() -> None:
    error = build_result(make_promotion(Outcome.PARTIAL))["error"]
    assert error["executed"] == ["CREATE TABLE extra (id INTEGER)"]
    assert error["line"] == 21
    assert error["next"] == "Correct bbbb2222 and push again."


def test_foreign_text_is_kept_as_it_is() -> None:
    result = json.loads(render_result(make_hostile(Outcome.FAILED)))
    assert result["pending"][0]["message"] == HOSTILE


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_outputs_are_the_keys_of_the_result_as_text(outcome: Outcome) -> None:
    promotion = make_promotion(outcome)
    outputs = build_outputs(promotion)
    assert set(outputs) == set(PROMISED)
    assert all(isinstance(value, str) for value in outputs.values())
    assert outputs["outcome"] == outcome.value
    assert json.loads(outputs["to"]) == list(promotion.target)


def test_an_output_that_is_missing_is_empty_not_null() -> None:
    outputs = build_outputs(make_promotion(Outcome.NOTHING_TO_DO, environment=None))
    assert outputs["environment"] == ""
    assert json.loads(outputs["backup"]) is None


def test_the_source_of_revisions_is_not_in_the_result() -> None:
    pending = (make_pending("aaaa1111", source="SECRET SOURCE"),)
    assert "SECRET SOURCE" not in render_result(make_promotion(Outcome.READY, pending=pending))


def test_half_characters_of_file_and_branch_names_are_text_that_can_be_written() -> None:
    assert render_result(make_hostile(Outcome.FAILED, "caf\u00e9 \udcff")).isascii()
