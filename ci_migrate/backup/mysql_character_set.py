"""The character set of a MariaDB or MySQL database, as a clause of CREATE and ALTER DATABASE."""

from __future__ import annotations

import re
from collections.abc import Mapping


def describe_character_set(properties: Mapping[str, str]) -> str:
    """Return the clause, with a blank before it; empty when it is not known."""
    names = [properties.get("character_set", ""), properties.get("collation", "")]
    if not all(re.fullmatch(r"\w+", name) for name in names):
        return ""
    return f" CHARACTER SET {names[0]} COLLATE {names[1]}"
