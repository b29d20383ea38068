"""The files of a project: which ones count, and what is said about the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType

import pytest

from ci_migrate.revisions.graph import Graph
from ci_migrate.revisions.locate import find_project
from ci_migrate.revisions.scan import History, read_history
from ci_migrate.revisions.sources import find_broken_sources
from ci_migrate.revisions.subfolders import notes_on_subfolders

REVISION = "revision = {!r}\ndown_revision = {!r}\n\n\ndef upgrade():\n    pass\n"


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations" / "versions"
    folder.mkdir(parents=True)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (tmp_path / "migrations" / "env.py").write_text("context.configure(connection=c)\n")
    return folder


def scan(versions: Path, extra: str = "") -> History:
    root = versions.parent.parent
    (root / "alembic.ini").write_text(f"[alembic]\nscript_location = migrations\n{extra}")
    return read_history(find_project(root, env={}))


def write(folder: Path, name: str, parent: str | None = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(REVISION.format(name, parent))


def test_files_are_shown_relative_and_sorted(versions: Path) -> None:
    write(versions, "b", "a")
    write(versions, "a")
    history = scan(versions)
    assert [revision.file for revision in history.revisions] == [
        "migrations/versions/a.py",
        "migrations/versions/b.py",
    ]


def test_empty_folder_is_a_readable_history(versions: Path) -> None:
    history = scan(versions)
    assert (history.revisions, history.problems, history.unreadable) == ((), (), ())


def test_missing_folder_is_unreadable(versions: Path) -> None:
    versions.rmdir()
    assert "migrations/versions" in scan(versions).unreadable[0]


def test_folder_chosen_at_run_time_is_unreadable(versions: Path) -> None:
    write(versions, "a")
    (versions.parent / "env.py").write_text(
        "config = context.config\nconfig.set_main_option('version_locations', pick())\n"
    )
    history = scan(versions)
    assert "line 2" in history.unreadable[0]


def test_links(versions: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", "a")
    (versions / "a.py").symlink_to(tmp_path / "elsewhere" / "a.py")
    (versions / "again.py").symlink_to(tmp_path / "elsewhere" / "a.py")
    (versions / "loop").symlink_to(versions, target_is_directory=True)
    (versions / "gone.py").symlink_to(tmp_path / "nothing.py")
    history = scan(versions, "recursive_version_locations = true\n")
    assert [revision.id for revision in history.revisions] == ["a"]
    assert [problem.file for problem in history.problems] == ["migrations/versions/gone.py"]


def test_a_pipe_does_not_block(versions: Path) -> None:
    os.mkfifo(versions / "pipe.py")
    assert [problem.file for problem in scan(versions).problems] == ["migrations/versions/pipe.py"]


def test_subfolders_only_when_the_settings_say_so(versions: Path) -> None:
    write(versions, "a")
    write(versions / "2026", "b", "a")
    write(versions / "__pycache__", "c", "b")
    assert len(scan(versions).revisions) == 1
    deep = scan(versions, "recursive_version_locations = true\n")
    assert [revision.id for revision in deep.revisions] == ["a", "b"]


def test_sourceless(versions: Path) -> None:
    write(versions, "a")
    assert scan(versions, "sourceless = true\n").unreadable == ()
    (versions / "b.pyc").write_bytes(b"")
    assert "b.pyc" in scan(versions, "sourceless = true\n").unreadable[0]
    assert scan(versions).unreadable == ()


def test_mistakes_behind_the_header_are_found_in_the_whole_file(
    versions: Path, tmp_path: Path
) -> None:
    write(versions, "a")
    (versions / "b.py").write_text(REVISION.format("b", "a") + "    op.execute(\n")
    history = scan(versions)
    assert history.problems == ()
    problems = find_broken_sources(history.revisions, tmp_path)
    assert [(problem.file, problem.line) for problem in problems] == [
        ("migrations/versions/b.py", 7)
    ]


def test_nothing_heavy_is_imported_and_nothing_of_the_project(
    versions: Path, tmp_path: Path
) -> None:
    write(versions, "a")
    (versions.parent / "env.py").write_text("raise SystemExit('imported')\n")
    (versions / "b.py").write_text(REVISION.format("b", "a") + "\nraise SystemExit('imported')\n")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from ci_migrate.revisions.locate import find_project\n"
        "from ci_migrate.revisions.scan import read_history\n"
        "from ci_migrate.revisions.content import content_hash\n"
        f"assert len(read_history(find_project(Path({str(tmp_path)!r}), env={{}})).revisions) == 2\n"
        "heavy = {'alembic', 'sqlalchemy', 'flask', 'yaml', 'requests'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    child = os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code])
    assert child == 0


def test_the_work_grows_with_the_files_and_no_faster(versions: Path) -> None:
    def calls(first: int, count: int) -> int:
        for number in range(first, count):
            write(versions, f"{number:05d}", f"{number - 1:05d}" if number else None)
        made = 0

        def count_call(frame: FrameType, event: str, argument: object) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            graph = Graph(scan(versions).revisions)
            pending = graph.pending((), graph.heads())
            problems = graph.problems()
        finally:
            sys.setprofile(None)
        assert (len(pending), problems) == (count, ())
        return made

    small = calls(0, 100)
    assert small < calls(100, 1000) < 11 * small


def notes(versions: Path, *named: str) -> tuple[str, ...]:
    project = find_project(versions.parent.parent, versions=named or None, env={})
    return notes_on_subfolders(project, Graph(read_history(project).revisions).heads())


def test_a_history_that_goes_on_in_subfolders_is_told(versions: Path) -> None:
    release = versions / "liberty"
    write(release, "a1")
    (told,) = notes(versions)
    assert "subfolders are not read: migrations/versions/liberty. Name those folders" in told
    assert not notes(versions, "migrations/versions", "migrations/versions/liberty")
    write(versions, "kilo")
    assert not notes(versions), "an archive of old revisions"
    write(release, "a2", "kilo")
    write(versions / "mitaka", "a3", "a2")
    (told,) = notes(versions)
    assert "migrations/versions/liberty, migrations/versions/mitaka. Name" in told
    (versions.parent.parent / "alembic.ini").write_text(
        "[alembic]\nscript_location = migrations\nrecursive_version_locations = true\n"
    )
    assert not notes(versions)
