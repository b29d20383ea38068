"""The JSON Schema of the configuration, for editors."""

from __future__ import annotations

import json
from typing import Any


def render_schema() -> str:
    """Return the schema as stable JSON text with a final line break."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def json_schema() -> dict[str, Any]:
    """Return the schema of `ci-migrate.yml` as JSON Schema 2020-12, made from the types."""
    import msgspec

    from ci_migrate.config.leaves import EnvironmentName, VariableName
    from ci_migrate.config.migrations import MigrationsSection
    from ci_migrate.config.types import ConfigFile

    _, components = msgspec.json.schema_components([ConfigFile], ref_template="#/$defs/{name}")
    sections = {name: _tidy(section) for name, section in sorted(components.items())}
    # Older msgspec (seen: 0.19) leaves out what is known of the keys of a mapping.
    for section, field, name in (
        (ConfigFile, "environments", EnvironmentName),
        (MigrationsSection, "env", VariableName),
    ):
        keys = {key: item for key, item in msgspec.json.schema(name).items() if key != "type"}
        mapping = sections[section.__name__]["properties"][field]
        mapping.pop("propertyNames", None)
        mapping["propertyNames"] = keys
    top = sections.pop(ConfigFile.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **top,
        "title": "ci-migrate configuration",
        "$defs": sections,
    }


def _tidy(schema: Any) -> Any:
    """Leave out `null`, which only says that a key may be left out, and defaults of sections."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(item) for key, item in schema.items() if key != "examples"}
    if "examples" in schema:
        tidy["examples"] = schema["examples"]
    if isinstance(tidy.get("default", 0), (dict, list)) or tidy.get("default", 0) is None:
        del tidy["default"]
    members = [item for item in tidy.get("anyOf", ()) if item != {"type": "null"}]
    if len(members) == 1:
        del tidy["anyOf"]
        tidy = {**members[0], **tidy}
    elif members:
        tidy["anyOf"] = members
    return tidy
