"""Cut the operations that we call out of GitHub's published OpenAPI description.

usage: python tests/servers/github_openapi/slice.py api.github.com.json

The description is `generated/api.github.com.json` of the npm package `@octokit/openapi` (MIT, see LICENSE beside
this file). Examples and prose are left out; what decides whether a request or an answer is right is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SLICE = Path(__file__).with_name("api.github.com.json")

OPERATIONS = {
    "/repos/{owner}/{repo}": ["get"],
    "/repos/{owner}/{repo}/actions/runs/{run_id}/approvals": ["get"],
    "/repos/{owner}/{repo}/commits/{ref}/statuses": ["get"],
    "/repos/{owner}/{repo}/compare/{basehead}": ["get"],
    "/repos/{owner}/{repo}/contents/{path}": ["get"],
    "/repos/{owner}/{repo}/deployments": ["get", "post"],
    "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses": ["get", "post"],
    "/repos/{owner}/{repo}/pulls": ["get", "post"],
    "/repos/{owner}/{repo}/pulls/{pull_number}/files": ["get"],
    "/repos/{owner}/{repo}/statuses/{sha}": ["post"],
}
_PROSE = {"description", "summary", "example", "examples", "externalDocs", "tags", "title"}


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the operations with every component that they refer to."""
    paths = {
        path: {
            method: _bare(whole["paths"][path][method])
            | {"parameters": _parameters(whole, path, method)}
            for method in methods
        }
        for path, methods in OPERATIONS.items()
    }
    components: dict[str, dict[str, Any]] = {}
    todo = list(_references(paths))
    while todo:
        _, _, kind, name = todo.pop().split("/")
        if name in components.setdefault(kind, {}):
            continue
        components[kind][name] = _bare(whole["components"][kind][name])
        todo += _references(components[kind][name])
    sorted_components = {
        kind: dict(sorted(components[kind].items())) for kind in sorted(components)
    }
    info = {"title": whole["info"]["title"], "version": whole["info"]["version"]}
    return {
        "openapi": whole["openapi"],
        "info": info,
        "paths": paths,
        "components": sorted_components,
    }


def _parameters(whole: dict[str, Any], path: str, method: str) -> list[Any]:
    operation = whole["paths"][path][method]
    return [
        _bare(p)
        for p in (*operation.get("parameters", ()), *whole["paths"][path].get("parameters", ()))
    ]


def _bare(node: Any, *, is_named: bool = False) -> Any:
    """Return a node without prose; below `properties` every key is a name and stays."""
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _bare(value, is_named=not is_named and key in {"properties", "schemas"})
        for key, value in node.items()
        if is_named or not (key in _PROSE or key.startswith("x-"))
    }


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for value in node.values() for found in _references(value)]


if __name__ == "__main__":
    description = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    SLICE.write_text(json.dumps(cut(description), separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{SLICE.name}: {SLICE.stat().st_size} bytes")
