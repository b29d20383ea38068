"""Known revisions against the files of today: what alarms, as what, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from ci_migrate.errors import ProjectError
from ci_migrate.models import Revision
from ci_migrate.revisions.content import content_hashes
from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.rewrite import (
    MOST_DIFF_LINES,
    Change,
    KnownRevision,
    Rewrite,
    find_rewrites,
    spare_replaced,
)
from ci_migrate.revisions.surroundings import Surroundings

SOURCE = '''"""add orders"""
from alembic import op
from shop.columns import name
revision = "b2"
down_revision = "a1"


def upgrade():
    op.create_table("orders", name())
'''
COLUMNS = b"def name():\n    return 80\n"


def around(columns: bytes = COLUMNS) -> Surroundings:
    return Surroundings(search=("",), read={"shop/columns.py": columns}.get)


def known(source: str = SOURCE, **more: Any) -> KnownRevision:
    digest = content_hashes(source, None, around())[0]
    values = {"revision": "b2", "message": "add orders", "parents": ("a1",), **more}
    return KnownRevision(**{"content_hash": digest, "source": source, **values})


def compare(
    now: str | None, before: KnownRevision | None = None, **more: Any
) -> tuple[Rewrite, ...]:
    parents = more.pop("parents", ("a1",))
    graph = Graph([Revision(id="b2", parents=parents, file="new_name.py")] if now else [])
    modules = more.pop("modules", around())
    then = more.pop("then", None)
    read: Any = lambda _: now or ""  # noqa: E731 - given by position
    return tuple(find_rewrites([before or known()], graph, read, modules, lambda _: then))


def test_of_several_modules_only_those_that_changed_are_named() -> None:
    source = SOURCE.replace("name()", "name(), size()").replace(
        "import name", "import name\nfrom shop.sizes import size"
    )
    old = {"shop/columns.py": COLUMNS, "shop/sizes.py": b"def size():\n    return 1\n"}
    then = Surroundings(search=("",), read=old.get)
    new = {**old, "shop/sizes.py": b"def size():\n    return 2\n"}
    digest = content_hashes(source, None, then)[0]
    before = known(source, content_hash=digest)
    now = Surroundings(search=("",), read=new.get)
    (found,) = compare(source, before, modules=now, then=then)
    assert found.helpers == ("shop/sizes.py",)
    assert [line for line in found.diff if line[:1] in "+-" and "return" in line] == [
        "-    return 1",
        "+    return 2",
    ]
    # A module that is gone is named as well.
    del new["shop/sizes.py"]
    (found,) = compare(source, before, modules=Surroundings(search=("",), read=new.get), then=then)
    assert found.helpers == ("shop/sizes.py",)


@pytest.mark.parametrize(
    "now",
    [
        SOURCE,
        "# Licence: ours\n"
        + SOURCE.replace('"orders", name()', "\n        'orders',\n        name(),\n"),
        SOURCE.replace('"""add orders"""', '"""Another docstring."""'),
    ],
)
def test_what_does_the_same_is_no_alarm(now: str) -> None:
    assert compare(now) == ()


def test_an_edited_revision_shows_what_changed() -> None:
    (found,) = compare(SOURCE.replace('"orders"', '"order"'))
    assert (found.change, found.file) == (Change.EDITED, "new_name.py")
    assert '-    op.create_table("orders", name())' in found.diff
    assert '+    op.create_table("order", name())' in found.diff


def test_a_deleted_revision_and_one_with_another_parent() -> None:
    (deleted,) = compare(None)
    assert (deleted.change, deleted.file) == (Change.DELETED, None)
    (moved,) = compare(SOURCE.replace('"a1"', '"a0"'), parents=("a0",))
    assert (moved.change, moved.parents) == (Change.REPARENTED, ("a0",))


def test_a_helper_that_changed_is_named() -> None:
    (found,) = compare(SOURCE, modules=around(b"def name():\n    return 81\n"))
    assert (found.change, found.helpers) == (Change.HELPER, ("shop/columns.py",))
    # Where the modules of then are known, only what differs is named and shown.
    files = {"shop/columns.py": b"from .more import *\ndef name():\n    return 81\n"}
    now = Surroundings(search=("",), read=files.get)
    (found,) = compare(SOURCE, modules=now, then=around())
    assert (found.change, found.helpers) == (Change.HELPER, ("shop/columns.py",))
    assert ("-    return 80" in found.diff, "+    return 81" in found.diff) == (True, True)
    # Modules with which the record does not fit are not those of then.
    (found,) = compare(SOURCE, modules=now, then=around(b"def name():\n    return 79\n"))
    assert (found.helpers, found.diff) == (("shop/columns.py",), ())
    # A record of an older kind knows nothing of helpers.
    older = known(content_hash=content_hashes(SOURCE)[0])
    assert compare(SOURCE, older, modules=around(b"def name():\n    return 81\n")) == ()


def test_what_cannot_be_read_is_the_business_of_others() -> None:
    assert compare("def upgrade(:\n") == ()
    assert compare(SOURCE + "x = 1\n", known(content_hash="")) == ()

    def refuse(_: Revision) -> str:
        raise ProjectError("gone")

    graph = Graph([Revision(id="b2", parents=("a1",), file="x.py")])
    assert find_rewrites([known()], graph, refuse, around()) == []


def test_a_difference_is_plain_text_and_short() -> None:
    lines = "".join(f"    op.execute('{n} {'x' * 400}')\n" for n in range(100))
    (found,) = compare(SOURCE + lines + "    op.execute('\x1b[31m::error::\u202e')\n")
    assert len(found.diff) == MOST_DIFF_LINES + 1
    assert max(map(len, found.diff)) <= 160
    (found,) = compare(SOURCE + "    op.execute('\x1b[31m\u202e')\n")
    assert not set("\x1b\u202e") & set("".join(found.diff))


def chain(*ids: str, change: Change = Change.DELETED) -> list[Rewrite]:
    parents = (None, *ids)
    return [
        Rewrite(
            known=known(revision=id_, parents=(before,) if before else ()), change=change, file=None
        )
        for before, id_ in zip(parents, ids, strict=False)
    ]


def test_a_squashed_history_needs_one_permission() -> None:
    gone = chain("aaaa", "bbbb", "cccc")
    assert spare_replaced(gone, ()) == gone
    assert spare_replaced(gone, {"cccc": ""}) == gone[2:]
    assert spare_replaced(gone, {"bbbb": ""}) == gone[1:]
    # What was edited, and not deleted, is not replaced by what follows it.
    edited = chain("aaaa", change=Change.EDITED)
    assert spare_replaced([*edited, *gone[1:]], {"cccc": ""}) == [*edited, gone[2]]
