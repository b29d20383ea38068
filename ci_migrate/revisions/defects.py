"""Every way in which the revision files do not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci_migrate.revisions.cycles import find_cycles
from ci_migrate.revisions.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci_migrate.models import Revision

FORBIDDEN_CHARACTERS = "@-+:"
"""Alembic gives them a meaning in revision arguments (`:` since 1.17)."""

_SHOWN_MEMBERS = 10


def find_defects(
    revisions: Iterable[Revision],
    by_id: Mapping[str, Revision],
    by_label: Mapping[str, str],
    needs: Mapping[str, tuple[str, ...]],
    id_limit: int | None,
) -> tuple[Problem, ...]:
    """Return all defects of a graph, in the order of its files.

    `needs` are the known parents and dependencies by id; `id_limit` is a number of characters.
    """
    every = tuple(revisions)
    return (
        *_find_duplicates(every),
        *_find_missing(every, by_id, by_label),
        *_find_loops(every, by_label),
        *_find_cycles(by_id, needs),
        *_find_bad_ids(every, id_limit),
        *_find_equal_labels(every, by_id),
    )


def _find_duplicates(revisions: tuple[Revision, ...]) -> Iterator[Problem]:
    files: dict[str, list[str]] = {}
    for revision in revisions:
        files.setdefault(revision.id, []).append(revision.file or "?")
    for id_, places in files.items():
        if len(places) > 1:
            yield Problem(
                message=f"revision {id_} is declared by {len(places)} files: {', '.join(places)}",
                file=places[-1],
                next_step="Give one of them a new id, and correct what refers to it.",
            )


def _find_missing(
    revisions: tuple[Revision, ...], by_id: Mapping[str, Revision], by_label: Mapping[str, str]
) -> Iterator[Problem]:
    for revision in revisions:
        for parent in dict.fromkeys(revision.parents):
            if parent not in by_id:
                yield Problem(
                    message=f"{_name(revision)} follows {parent}, but no file declares {parent}",
                    file=revision.file,
                    next_step=f"Bring the file of {parent} back, or correct down_revision.",
                )
        for dep in dict.fromkeys(revision.depends_on):
            if dep not in by_id and dep not in by_label:
                yield Problem(
                    message=f"{_name(revision)} depends on {dep}, which is no revision and no "
                    "branch label",
                    file=revision.file,
                    next_step="Write the whole id, or a label, in depends_on.",
                )


def _find_loops(revisions: tuple[Revision, ...], by_label: Mapping[str, str]) -> Iterator[Problem]:
    for revision in revisions:
        deps = {by_label.get(dep, dep) for dep in revision.depends_on} | {*revision.depends_on}
        if revision.id in revision.parents or revision.id in deps:
            key = "down_revision" if revision.id in revision.parents else "depends_on"
            yield Problem(
                message=f"{_name(revision)} names itself in {key}",
                file=revision.file,
                next_step=f"Correct {key}.",
            )


def _find_cycles(
    by_id: Mapping[str, Revision], needs: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    for members in find_cycles(needs):
        shown = ", ".join(members[:_SHOWN_MEMBERS])
        if len(members) > _SHOWN_MEMBERS:
            shown += f" and {len(members) - _SHOWN_MEMBERS} more"
        yield Problem(
            message=f"{len(members)} revisions need each other in a circle: {shown}",
            file=by_id[members[0]].file,
            next_step="Correct down_revision or depends_on of one of them.",
        )


def _find_bad_ids(revisions: tuple[Revision, ...], id_limit: int | None) -> Iterator[Problem]:
    for revision in revisions:
        bad = sorted(set(revision.id) & set(FORBIDDEN_CHARACTERS))
        if bad:
            yield Problem(
                message=f"the id {revision.id!r} contains {' '.join(bad)}, which Alembic forbids",
                file=revision.file,
                next_step="Give the revision an id of letters, digits and underscores.",
            )
        elif not revision.id.isprintable():
            yield Problem(
                message=f"the id {revision.id!a} contains characters that cannot be shown",
                file=revision.file,
                next_step="Give the revision an id of letters, digits and underscores.",
            )
        if id_limit is not None and len(revision.id) > id_limit:
            yield Problem(
                message=f"the id {revision.id!r} has {len(revision.id)} characters; the version "
                f"column holds {id_limit}",
                file=revision.file,
                next_step="Shorten the id, or widen the column before this revision.",
            )


def _find_equal_labels(
    revisions: tuple[Revision, ...], by_id: Mapping[str, Revision]
) -> Iterator[Problem]:
    owners: dict[str, Revision] = {}
    for revision in revisions:
        for label in revision.labels:
            owner = owners.get(label) or by_id.get(label)
            if owner is not None:
                yield Problem(
                    message=f"{_name(revision)} has the branch label {label!r}, which "
                    + ("it has already" if owner is revision else f"{_name(owner)} has too"),
                    file=revision.file,
                    next_step="Let each label stand in one revision only.",
                )
            owners.setdefault(label, revision)


def _name(revision: Revision) -> str:
    return f"{revision.id} ({revision.file})" if revision.file else revision.id
