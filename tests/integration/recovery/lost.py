"""A database whose revisions lost their files, and what the tests of `recover` do to it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.promote.database import query
from tests.integration.rollback.place import Place, build_place
from tests.projects_builder import commit
from tests.projects_changes import add_revision, delete_revision
from tests.promotion import Ran

HEAD, ONE, TWO, THREE = "5c00753421f7", "aaaaaaaaaa01", "bbbbbbbbbb02", "cccccccccc03"
VERSION = "SELECT version_num FROM alembic_version"
HALF = """
op.create_table("coupons", sa.Column("id", sa.Integer(), primary_key=True))
op.create_index("ix_coupons", "coupons", ["id"])
op.add_column("users", sa.Column("coupon", sa.Integer()))
{0}raise RuntimeError("in the middle")
"""


def build(folder: Path, url: str) -> Place:
    place = build_place(folder / "shop", url, backup={"directory": str(folder / "backups")})
    with (place.project.path / ".gitignore").open("a") as ignored:
        ignored.write(".ci-migrate-result.json\n")
    commit(place.project, "configure")
    return place


def apply(place: Place, *revisions: tuple[str, str]) -> None:
    """Promote revisions, each after another one, and leave no trace of them in the work tree."""
    for revision, parent in revisions:
        add_revision(place.project, revision, after=parent)
    ran = place.run("promote")
    assert ran.outcome == "promoted", ran.output
    for revision, _ in revisions:
        delete_revision(place.project, revision)


def reparent_file(file: Path, before: str, after: str) -> None:
    """Let a revision follow another one, as a rebase of its branch does."""
    changed = file.stat().st_mtime + 2
    file.write_text(file.read_text().replace(before, after))
    # Python knows a compiled file by the second and the size: within one second it would take the old one.
    os.utime(file, (changed, changed))


def rows(place: Place) -> list[object]:
    return sorted(row[0] for row in query(place.url, VERSION))


def recover(place: Place, *arguments: str) -> Ran:
    return place.run("recover", "--confirm", "dev", *arguments)
