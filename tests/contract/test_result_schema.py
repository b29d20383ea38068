"""The schema of the result has the shape and the words that the code has (real runs: tests/integration/promote)."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from ci_migrate import errors
from ci_migrate.errors import CiMigrateError, InterruptedRunError
from ci_migrate.models import GateOutcome, Outcome
from tests.contract.documents import REFERENCE

SCHEMA: dict[str, Any] = json.loads((REFERENCE / "result.schema.json").read_text(encoding="utf-8"))


def test_it_is_a_schema_in_which_nothing_is_optional_or_open() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    objects = [SCHEMA, *SCHEMA["$defs"].values()]
    for part in objects:
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) == set(part["properties"])


def test_its_lists_of_words_are_those_of_the_code() -> None:
    found = [v for v in vars(errors).values() if isinstance(v, type)]
    kinds = {v.kind for v in found if issubclass(v, (CiMigrateError, InterruptedRunError))}
    assert set(SCHEMA["$defs"]["error"]["properties"]["kind"]["enum"]) == {*kinds, "bug"}
    assert set(SCHEMA["properties"]["outcome"]["enum"]) == {o.value for o in Outcome}
    gates = SCHEMA["$defs"]["gate"]["properties"]["outcome"]["enum"]
    assert set(gates) == {outcome.value for outcome in GateOutcome}
