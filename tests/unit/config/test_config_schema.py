"""The JSON Schema: valid, committed, and of one mind with our own checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from ci_migrate.config.schema import json_schema, render_schema

REPOSITORY = Path(__file__).parents[3]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_committed_schema_is_the_one_of_the_types():
    committed = REPOSITORY / "docs/reference/config.schema.json"
    assert committed.read_text(encoding="utf-8") == render_schema(), (
        "write it anew: python -c 'from ci_migrate.config.schema import render_schema; "
        f'print(render_schema(), end="")\' > {committed.name}'
    )


def test_it_is_a_valid_json_schema_with_title_and_without_id():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["title"] == "ci-migrate configuration"
    assert "$id" not in json_schema()


def test_every_key_is_described_or_refers_to_a_section():
    schema = json_schema()
    for section in [schema, *schema["$defs"].values()]:
        assert section["additionalProperties"] is False
        for name, key in section["properties"].items():
            members = [key, *key.get("anyOf", ())]
            assert any("description" in one or "$ref" in one for one in members), name


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("{version: 1, environments: {dev: {url: sqlite://}}}", True),
        ("{version: 1, environments: {dev: {url: sqlite://, branches: x, lock_wait: 5m}}}", True),
        ("{version: 1, environments: {dev: {url: sqlite://, branches: [x], lock_wait: 5}}}", True),
        ("{version: 1, environments: {dev: {url: sqlite://, backup: none}}}", True),
        ("{version: 1, environments: {dev: {url: sqlite://, backup: {keep: 1}}}}", True),
        ("{version: 1, environments: {}}", False),
        ("{version: 2, environments: {dev: {url: sqlite://}}}", False),
        ("{version: 1, environments: {-dev: {url: sqlite://}}}", False),
        ("{version: 1, environments: {dev: {}}}", False),
        ("{version: 1, environments: {dev: {url: sqlite://, backup: null}}}", False),
        ("{version: 1, environments: {dev: {url: sqlite://, promote_from: null}}}", False),
        ("{version: 1, environments: {dev: {url: sqlite://, lock_wait: 5 m}}}", False),
        ("{version: 1, environments: {dev: {url: sqlite://, tenants: 1h}}}", False),
    ],
)
def test_editors_see_what_we_see(text, is_valid):
    assert VALIDATOR.is_valid(yaml.safe_load(text)) is is_valid


@pytest.mark.parametrize("name", ["select", "load", "resolve", "loaded", "environment", "schema"])
def test_importing_a_module_does_not_import_yaml_or_msgspec(name):
    code = f"import sys, ci_migrate.config.{name}; print({{'yaml', 'msgspec'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
