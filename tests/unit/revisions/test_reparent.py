"""Another parent in a revision file: two words change, and nothing else."""

from __future__ import annotations

import ast

import pytest

from ci_migrate.errors import ProjectError
from ci_migrate.revisions.reparent import reparent_file
from tests.projects_changes import render_revision

OLD, NEW = "aaaaaaaaaa01", "bbbbbbbbbb02"
SOURCE = render_revision("cccccccccc03", parents=OLD, message=f"é after {OLD}, Revises")


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        SOURCE.replace("\n", "\r\n"),
        SOURCE.replace("down_revision =", "down_revision: str | None ="),
        SOURCE.replace(f"'{OLD}'", f'"{OLD}"  # {OLD} é'),
        "# -*- coding: latin-1 -*-\n" + SOURCE,
        "\ufeff" + SOURCE,
    ],
)
def test_only_the_parent_changes(source: str) -> None:
    encoding = "latin-1" if "latin-1" in source else "utf-8"
    before = source.encode(encoding)
    after = reparent_file(before, OLD, NEW, "x.py")
    lines = list(zip(before.split(b"\n"), after.split(b"\n"), strict=True))
    changed = [(a.strip(), b.strip()) for a, b in lines if a != b]
    assert [old for old, _ in changed if old.startswith(b"Revises: ")] == [f"Revises: {OLD}".encode()]  # fmt: skip
    assert len(changed) == 2
    assert all(old.replace(OLD.encode(), NEW.encode(), 1) == new for old, new in changed)


@pytest.mark.parametrize(
    "source",
    [
        SOURCE.replace(f"'{OLD}'", f"('{OLD}', 'dddddddddd04')"),
        SOURCE.replace(f"'{OLD}'", "None"),
        SOURCE.replace(f"'{OLD}'", "PARENT"),
        SOURCE.replace(f"'{OLD}'", f"'{OLD[:6]}' '{OLD[6:]}'"),
    ],
)
def test_what_is_not_one_id_written_out_is_refused(source: str) -> None:
    with pytest.raises(ProjectError, match=r"not the one id|cannot be changed"):
        reparent_file(source.encode(), OLD, NEW, "x.py")


@pytest.mark.parametrize("new", ["a\\d", "\\g<9>", 'x"""y', "x\\"])
def test_an_id_of_strange_signs_stays_in_its_place(new: str) -> None:
    after = reparent_file(SOURCE.encode(), OLD, new, "x.py").decode()
    found = {
        node.targets[0].id: node.value
        for node in ast.parse(after).body
        if isinstance(node, ast.Assign)
    }  # type: ignore[attr-defined]
    assert ast.literal_eval(found["down_revision"]) == new
    assert len(after.splitlines()) == len(SOURCE.splitlines())
