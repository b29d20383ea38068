"""GitHub's published description, asked whether a request or an answer is right."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

import jsonschema
from referencing import Registry, Resource

from tests.servers.github_openapi.slice import SLICE

BASE = "urn:github"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation with the values in its path."""

    method: str
    path: str
    values: dict[str, str]

    @property
    def pointer(self) -> str:
        escaped = self.path.replace("~", "~0").replace("/", "~1").replace("{", "%7B")
        return f"/paths/{escaped.replace('}', '%7D')}/{self.method}"

    @property
    def node(self) -> dict[str, Any]:
        found: dict[str, Any] = document()["paths"][self.path][self.method]
        return found


def find_operation(method: str, path: str) -> Operation | None:
    """Return the operation that a request means; None when GitHub has none of it (in our slice)."""
    for pattern, methods in document()["paths"].items():
        # Of all parameters in paths only this one may hold slashes.
        whole = pattern.replace("{path}", r"(?P<path>.+)")
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", whole), path)
        if found and method.lower() in methods:
            values = {name: unquote(value) for name, value in found.groupdict().items()}
            return Operation(method=method.lower(), path=pattern, values=values)
    return None


def find_request_problems(operation: Operation, query: dict[str, str], body: Any) -> list[str]:
    """Return what is wrong with a request; a key that GitHub does not know is wrong, too."""
    problems = []
    known = {p["name"]: p for p in map(_resolve, operation.node["parameters"])}
    for name, value in {**operation.values, **query}.items():
        if name not in known:
            problems.append(f"unknown parameter {name!r}")
            continue
        problems += _errors(known[name]["schema"], _typed(known[name]["schema"], value), name)
    if "requestBody" not in operation.node:
        return problems + (["a body where none belongs"] if body is not None else [])
    pointer = f"{operation.pointer}/requestBody/content/application~1json/schema"
    problems += _errors({"$ref": f"{BASE}#{pointer}"}, body, "body")
    schema = operation.node["requestBody"]["content"]["application/json"]["schema"]
    unknown = set(body or ()) - set(schema["properties"])
    return problems + [f"unknown key {name!r} in the body" for name in sorted(unknown)]


def find_answer_problems(operation: Operation, status: int, body: Any) -> list[str]:
    """Return what an answer has that GitHub would not say."""
    answer = operation.node["responses"].get(str(status))
    if answer is None:
        return [f"status {status} is not described"]
    answer = _resolve(answer)
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    return _errors(schema, body, "answer") if schema else []


def make_sample(operation: Operation, status: int) -> Any:
    """Return the smallest answer that is right; a list is empty."""
    content = _resolve(operation.node["responses"][str(status)])["content"]
    return sample_of(content["application/json"]["schema"])


def sample_of(schema: Any) -> Any:
    """Return the smallest value that fits a schema."""
    schema = _resolve(schema)
    if "null" in schema.get("type", ()) and isinstance(schema["type"], list):
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if "allOf" in schema:
        return {key: value for part in schema["allOf"] for key, value in sample_of(part).items()}
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return sample_of(schema[several][0])
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: sample_of(properties[name]) for name in schema.get("required", ())}
    text = {"date-time": "2026-01-01T00:00:00Z", "uri": "https://api.github.com/"}
    values = {"array": [], "integer": 1, "number": 1, "boolean": False, "null": None}
    return values.get(kind, text.get(schema.get("format", ""), ""))


@cache
def document() -> dict[str, Any]:
    """Read the slice; `nullable` of OpenAPI 3.0 becomes what JSON Schema has for it."""
    found: dict[str, Any] = _with_null(json.loads(SLICE.read_text(encoding="utf-8")))
    return found


@cache
def _registry() -> Any:
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(document(), default_specification=DRAFT202012)
    return Registry().with_resource(BASE, resource)


def _with_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _with_null(value) for key, value in node.items() if key != "nullable"}
    if isinstance(changed.get("$ref"), str):
        changed["$ref"] = changed["$ref"].replace("#/", f"{BASE}#/", 1)
    if node.get("nullable") is not True:
        return changed
    if isinstance(changed.get("type"), str) and "enum" not in changed:
        return {**changed, "type": [changed["type"], "null"]}
    return {"anyOf": [{"type": "null"}, changed]}


def _resolve(node: Any) -> Any:
    while "$ref" in node:
        found: Any = document()
        for part in node["$ref"].partition("#/")[2].split("/"):
            found = found[part]
        node = found
    return node


def _typed(schema: Any, value: str) -> Any:
    kind = _resolve(schema).get("type")
    return int(value) if kind in ("integer", "number") and value.isdigit() else value


def _errors(schema: Any, value: Any, name: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema, registry=_registry())
    return [
        f"{name}{error.json_path[1:]}: {error.message[:300]}"
        for error in validator.iter_errors(value)
    ]
