"""The values of the rollback advisor: the ways back from a revision, each with its price."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A table or column whose data would be gone."""

    table: str
    column: str | None = None
    """None for the whole table."""
    rows: int | None = None
    """Rows of the table, or values of the column that are not NULL; None when they could not be counted."""

    def __str__(self) -> str:
        """Return it in words: `column users.name: 12 values`."""
        what = f"column {self.table}.{self.column}" if self.column else f"table {self.table}"
        unit = "value" if self.column else "row"
        if self.rows is None:
            return f"{what}: an unknown number of {unit}s"
        return f"{what}: {self.rows:,} {unit}{'' if self.rows == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way back."""

    name: str
    """`downgrade`, `restore` or `forward-fix`."""
    possible: bool
    price: str
    """What it costs, in words; or why it is not possible."""
    losses: tuple[Loss, ...] = ()
    doubts: tuple[str, ...] = ()
    """What it may destroy beside these, which no text tells, in words."""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What the rollback of an environment's last revision would mean."""

    environment: str
    revision: str
    message: str
    file: str | None
    applied_at: str
    """UTC, ISO 8601."""
    current: tuple[str, ...]
    target: tuple[str, ...]
    """Version rows after a rollback."""
    ways: tuple[Way, ...]
