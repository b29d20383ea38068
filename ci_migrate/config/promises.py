"""The keys that say under which conditions a revision may go on: proof, time, approval, exceptions."""

from typing import Annotated, Literal

from msgspec import Meta

from ci_migrate.config.leaves import Text
from ci_migrate.config.section import Section

# `$` alone also matches before a last line break, in Python but not in JSON Schema.
_END = r"$(?!\n)"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"

EvidenceSource = Annotated[
    Literal["database", "store", "github"],
    Meta(description="Where it is looked up what the environment before has executed."),
]
Requirement = Annotated[
    Literal["rehearsal", "rollback_test"],
    Meta(description="`rollback_test` is a rehearsal that also takes the revision back."),
]
FreezeDates = Annotated[
    str,
    Meta(
        pattern=rf"^{_DAY}(?:\.\.{_DAY})?{_END}",
        description="A day, or a first and a last one, in quotes.",
        examples=["2026-12-20..2027-01-03"],
    ),
]
Approval = Annotated[
    bool | Text,
    Meta(
        description="Whether the workflow run must have been approved at GitHub; a text names the GitHub environment"
        " where it is called otherwise."
    ),
]


class WindowSection(Section, frozen=True, kw_only=True):
    """When an environment may be changed."""

    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        Meta(min_length=1, description="Days of the week.", examples=[["mon", "tue", "wed"]]),
    ] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours: Annotated[
        str,
        Meta(
            pattern=rf"^{_CLOCK}-(?:{_CLOCK}|24:00){_END}",
            description="From when to when; over midnight where the second is not later.",
            examples=["09:00-17:00"],
        ),
    ] = "00:00-24:00"
    time_zone: Annotated[
        Text, Meta(description="Name of the time zone.", examples=["Europe/Berlin"])
    ] = "UTC"
    freeze: Annotated[tuple[FreezeDates, ...], Meta(description="Days without any change.")] = ()


class AllowedEdit(Section, frozen=True, kw_only=True):
    """A revision that may differ from what was executed, and why."""

    revision: Annotated[Text, Meta(description="Its full id.", examples=["4f1c9a7e2b30"])]
    reason: Annotated[Text, Meta(description="Why, for those who read the report.")]
