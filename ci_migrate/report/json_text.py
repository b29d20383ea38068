"""JSON for people and programs, which may be printed into the log of a workflow."""

from __future__ import annotations

import json
from typing import Any

from ci_migrate.github.commands import neutralise_json


def render_json(value: Any) -> str:
    """Return JSON text, two spaces deep, in which no line is a command to GitHub's runner.

    The runner obeys `##[name]` anywhere in a line. Spelled as an escape it is the same JSON.
    """
    return neutralise_json(json.dumps(value, indent=2)) + "\n"
