"""What the executed revisions of a ledger say together: which ran last, which are held."""

from __future__ import annotations

from collections.abc import Iterable

from ci_migrate.ledger.facts import Executed


def applied_in_order(executed: Iterable[Executed]) -> list[Executed]:
    """Return the upgrades that were not taken back since, the last one last."""
    found: dict[str, Executed] = {}
    for item in executed:
        found.pop(item.revision, None)
        if item.direction == "upgrade":
            found[item.revision] = item
    return list(found.values())


def held_revisions(executed: Iterable[Executed]) -> dict[str, Executed]:
    """Return by id the revisions that a rollback took back last: they are not promoted again as they were."""
    found: dict[str, Executed] = {}
    for item in executed:
        found.pop(item.revision, None)
        if item.direction == "downgrade" and item.command == "rollback":
            found[item.revision] = item
    return found
