"""A pending revision: its text is read at once, what it says when somebody asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ci_migrate.models import Revision
from ci_migrate.pending_revision import Content
from ci_migrate.revisions.content import content_hash
from ci_migrate.revisions.pending import describe_pending
from ci_migrate.revisions.surroundings import Surroundings, read_disk
from tests.projects_changes import render_revision
from tests.unit.report.samples import make_pending

if TYPE_CHECKING:
    from pathlib import Path

CREATE = 'op.create_table("t", sa.Column("id", sa.Integer()))'
ONE = Revision(id="aaaa", file="one.py")


def write(folder: Path, upgrade: str = CREATE) -> str:
    text = render_revision("aaaa", parents=None, message="one", upgrade=upgrade)
    (folder / "one.py").write_text(text, encoding="utf-8")
    return text


def test_its_text_is_read_at_once_and_what_it_says_when_somebody_asks(tmp_path: Path) -> None:
    text = write(tmp_path)
    item = describe_pending(ONE, tmp_path, "mysql")
    write(tmp_path, "pass")  # what is on disk by then does not matter
    assert item.source == text
    assert item.content.content_hash == content_hash(text)
    assert not item.content.atomic
    assert item.is_known_as(content_hash(text))


def test_what_it_says_is_read_once() -> None:
    asked: list[Content] = []

    def read() -> Content:
        asked.append(Content(content_hash=f"v1:{len(asked)}", atomic=True))
        return asked[-1]

    item = replace(make_pending("aaaa"), read_content=read)
    assert asked == []
    item.read_now()
    assert (item.content.content_hash, item.is_known_as("v1:0"), len(asked)) == ("v1:0", True, 1)


def test_what_it_takes_from_modules_of_the_repository_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("NAME = 'one'\n", encoding="utf-8")
    write(tmp_path, "from helper import NAME\nop.drop_table(NAME)")
    around = Surroundings(search=("",), read=read_disk(tmp_path))
    item = describe_pending(ONE, tmp_path, "postgresql", around)
    (tmp_path / "helper.py").write_text("NAME = 'two'\n", encoding="utf-8")
    later = describe_pending(
        ONE, tmp_path, "postgresql", Surroundings(search=("",), read=read_disk(tmp_path))
    )
    assert item.content.content_hash.startswith("v2:")
    assert item.content.content_hash != later.content.content_hash


def test_a_file_that_is_gone_has_no_content(tmp_path: Path) -> None:
    item = describe_pending(ONE, tmp_path, "postgresql")
    assert (item.source, item.content.content_hash, item.content.atomic) == ("", "", False)
    assert "one.py cannot be read" in item.content.why_not_atomic
    assert not item.is_known_as("")


def test_one_that_was_seen_to_last_is_not_atomic(tmp_path: Path) -> None:
    write(tmp_path, "pass")
    item = describe_pending(ONE, tmp_path, "mysql")
    assert (item.content.atomic, item.with_atomic(atomic=False).content.atomic) == (True, False)
    assert item.with_atomic(atomic=False).content.content_hash == item.content.content_hash


@pytest.mark.parametrize(
    ("dialect", "upgrade", "is_read", "is_atomic"),
    [
        ("postgresql", CREATE, False, True),
        ("postgresql", 'op.execute("SELECT 1")', True, True),
        ("postgresql", 'op.execute("COMMIT")', True, False),
        ("mysql", CREATE, True, False),
        ("sqlite", "pass", True, True),
    ],
)
def test_whether_it_is_atomic_is_parsed_only_where_the_words_do_not_tell(
    tmp_path: Path, dialect: str, upgrade: str, is_read: bool, is_atomic: bool
) -> None:
    write(tmp_path, upgrade)
    item = describe_pending(ONE, tmp_path, dialect)
    assert (item.is_atomic, item.is_read) == (is_atomic, is_read)
    assert item.content.atomic == is_atomic
    assert not item.with_atomic(atomic=False).is_atomic


def test_a_file_that_is_gone_is_not_taken_for_atomic(tmp_path: Path) -> None:
    assert not describe_pending(ONE, tmp_path, "postgresql").is_atomic
