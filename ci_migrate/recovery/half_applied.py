"""A revision that ended in the middle: which of its statements are in the database, and which can be undone."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ci_migrate.database.engine import Database
from ci_migrate.database.objects import SchemaObjects
from ci_migrate.models import Remains
from ci_migrate.recovery.inverse import Inverse, Made, find_made, invert

_TIMES = re.compile(r"^(?P<text>.*) \((?P<count>\d+) times\)$")
_WRITES = re.compile(
    r"\s*(?:INSERT\s+INTO|DELETE\s+FROM|UPDATE)\s+(?P<table>`[^`]+`|\"[^\"]+\"|[\w$]+)",
    re.IGNORECASE,
)


class State(enum.Enum):
    """Whether the effect of a statement is in the database."""

    IN = "in"
    NOT_IN = "not in"
    INVALID = "invalid"
    """An index that is there and serves nobody: its build was cut off."""
    UNKNOWN = "unknown"
    """Nothing in the schema tells: rows were written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementState:
    """One statement of the revision that ran, or began."""

    text: str
    state: State
    inverse: str = ""
    """The statement that surely undoes it; empty where none does."""
    why_no_inverse: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfApplied:
    """What is left of a revision whose run ended in the middle."""

    revision: str
    started_at: str
    statements: tuple[StatementState, ...]
    """In the order in which they ran; the last may only have begun."""
    direction: str = "upgrade"
    """What that run did: `upgrade` or `downgrade`."""

    @property
    def what(self) -> str:
        """The revision and how it stands, as the beginning of a sentence."""
        word = "taken back" if self.direction == "downgrade" else "applied"
        return f"{self.revision} is half {word}"

    @property
    def undo(self) -> tuple[str, ...]:
        """The statements that undo what is in, the last first; meaningful only when `why_no_undo` is empty."""
        there = {State.IN, State.INVALID}
        return tuple(item.inverse for item in reversed(self.statements) if item.state in there)

    @property
    def done(self) -> int:
        """How many of the statements, from the first, are in."""
        states = [item.state is State.IN for item in self.statements]
        return states.index(False) if False in states else len(states)

    @property
    def why_no_finish(self) -> str:
        """Why it is not sure where the revision has to go on; empty when it is."""
        if self.direction == "downgrade":
            return "a downgrade is not finished by statements: what it drops is gone for good"
        for item in self.statements[self.done :]:
            if item.state is State.INVALID:
                return f"the build of this index was cut off, undo that first: {item.text}"
            if item.state is not State.NOT_IN:
                return f"it is not sure that this is missing, as what ran before it: {item.text}"
        return ""

    @property
    def why_no_undo(self) -> str:
        """Why what is in cannot surely be undone; empty when it can."""
        for item in self.statements:
            if item.state is State.UNKNOWN:
                return f"whether this is in, the schema does not tell: {item.text}"
            if item.state in {State.IN, State.INVALID} and not item.inverse:
                return f"{item.why_no_inverse}: {item.text}"
        return ""


def inspect_half(
    remains: Remains, started_at: str, database: Database, direction: str
) -> HalfApplied:
    """Compare what a run did, as its ledger says, with the schema that is there now."""
    texts = tuple(_expand((*remains.executed, *filter(None, [remains.begun]))))
    made = [find_made(text) for text in texts]
    objects = SchemaObjects(database)
    states = tuple(
        _judge(text, item, made, objects, database.dialect)
        for text, item in zip(texts, made, strict=True)
    )
    return HalfApplied(
        revision=remains.revision, started_at=started_at, statements=states, direction=direction
    )


def _judge(
    text: str, item: Made | None, made: list[Made | None], objects: SchemaObjects, dialect: str
) -> StatementState:
    if item is None and _wrote_into_nothing(text, made, objects):
        return StatementState(text=text, state=State.NOT_IN)
    if item is None:
        return StatementState(
            text=text, state=State.UNKNOWN, why_no_inverse="no statement surely undoes it"
        )
    state = _state_of(item, objects)
    if item.may_have_been and state is State.IN:
        why = "the index may have been there before"
        return StatementState(text=text, state=State.UNKNOWN, why_no_inverse=why)
    found = invert(item, made, objects, dialect) if state is not State.NOT_IN else Inverse()
    return StatementState(
        text=text, state=state, inverse=found.statement, why_no_inverse=found.problem
    )


def _state_of(item: Made, objects: SchemaObjects) -> State:
    if item.concurrently and objects.is_invalid(item.name):
        return State.INVALID
    return State.IN if objects.has(item.kind, item.table, item.name) is item.makes else State.NOT_IN


def _wrote_into_nothing(text: str, made: list[Made | None], objects: SchemaObjects) -> bool:
    """Return whether a statement wrote rows into a table that this run made, and that is empty or gone."""
    match = _WRITES.match(text)
    table = match["table"].strip('`"') if match else ""
    ours = {item.table for item in made if item and item.makes and item.kind == "table"}
    return table in ours and not objects.count_rows(table)


def _expand(statements: tuple[str, ...]) -> Iterator[str]:
    """Yield the statements one by one, as they were before the ledger counted repetitions."""
    for text in statements:
        match = _TIMES.match(text)
        if match:
            yield from [match["text"]] * int(match["count"])
        else:
            yield text
