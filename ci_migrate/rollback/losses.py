"""What a downgrade destroys: the rows and values that are there now, and what its text does not tell."""

from __future__ import annotations

from collections.abc import Iterator

from ci_migrate.database.engine import Database
from ci_migrate.database.row_counts import count_rows
from ci_migrate.revisions.way_back import WayBack
from ci_migrate.story.record import RunRecord
from ci_migrate.ways_back import Loss


def count_losses(database: Database, way: WayBack) -> tuple[Loss, ...]:
    """Return the tables and columns that a downgrade drops, with how much is in them; each is counted once."""
    names = dict.fromkeys(
        (drop.table, drop.column) for drop in way.destroys if drop.table is not None
    )
    return tuple(
        Loss(table=table, column=column, rows=count_rows(database, table, column))
        for table, column in names
    )


def find_doubts(way: WayBack) -> tuple[str, ...]:
    """Return in words what a downgrade may destroy beside that."""
    return tuple(_doubts(way))


def warn_of_losses(
    record: RunRecord,
    losses: tuple[Loss, ...],
    doubts: tuple[str, ...],
    what: str = "the downgrade",
) -> None:
    """Tell at once, and in every report, what a downgrade destroys."""
    for loss in losses:
        record.warn(f"{what} destroys the {loss}")
    for doubt in doubts:
        record.warn(f"{what}: {doubt}")


def _doubts(way: WayBack) -> Iterator[str]:
    unnamed = sum(1 for drop in way.destroys if drop.table is None)
    if unnamed:
        yield f"{unnamed} of its drops name nothing that the text tells: read them before"
    if way.unread:
        yield f"what it destroys its text does not tell all: it {way.unread}"
