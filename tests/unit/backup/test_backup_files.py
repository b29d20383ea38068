"""Directory, manifest, pruning, messages."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ci_migrate.backup.directory import create_archive, make_directory, name_archive
from ci_migrate.backup.failure import failed_file, failed_tool
from ci_migrate.backup.manifest import (
    Manifest,
    format_time,
    manifest_path,
    read_manifest,
    write_manifest,
)
from ci_migrate.backup.prune import prune_backups
from ci_migrate.errors import BackupError, ProcessError

NOW = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=timezone.utc)
MANIFEST = Manifest(
    archive="x.dump",
    backend="postgres",
    environment="production",
    database="shop",
    host="db",
    dialect="postgresql",
    server_version="15.18",
    heads=("a", "b"),
    tables=(("public", "we\nird ü"), (None, "t")),
    bytes=3,
    sha256="00",
    verified="by eye",
    tools={"pg_dump": "15.18"},
    ci_migrate="0.1.0",
    run_id="r",
    started=format_time(NOW),
    finished=format_time(NOW),
)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    old = os.umask(umask)
    try:
        directory = make_directory(tmp_path / ".ci-migrate" / "backups")
        archive = create_archive(directory, "x", ".dump")
    finally:
        os.umask(old)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_directory_that_exists_stays_as_it_is(tmp_path):
    directory = tmp_path / "mine"
    directory.mkdir(mode=0o755)
    (tmp_path / ".ci-migrate").mkdir()
    (tmp_path / ".ci-migrate" / ".gitignore").write_text("!keep\n")
    make_directory(directory)
    make_directory(tmp_path / ".ci-migrate" / "backups")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    assert list(directory.iterdir()) == []
    assert (tmp_path / ".ci-migrate" / ".gitignore").read_text() == "!keep\n"


@pytest.mark.parametrize(
    ("environment", "run_id", "name"),
    [
        ("production", "0123456789", "production-20260304T050607Z-01234567"),
        ("../a b/ü", "x-y", "a-b-20260304T050607Z-xy"),
        ("..", "", "environment-20260304T050607Z-run"),
    ],
)
def test_name_of_an_archive(environment, run_id, name):
    assert name_archive(environment, run_id, NOW) == name


def test_taken_names_are_not_used(tmp_path):
    (tmp_path / "x.dump").write_text("mine")
    (tmp_path / "x-2.json").write_text("mine")
    (tmp_path / "x-3.dump").symlink_to(tmp_path / "elsewhere")
    assert create_archive(tmp_path, "x", ".dump").name == "x-4.dump"
    assert not (tmp_path / "elsewhere").exists()


def test_manifest_is_read_as_it_was_written(tmp_path):
    write_manifest(MANIFEST, tmp_path / "x.json")
    assert read_manifest(tmp_path / "x.json") == MANIFEST
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o600
    with pytest.raises(BackupError, match="File exists"):
        write_manifest(MANIFEST, tmp_path / "x.json")


def content(**changes) -> str:
    base = {"format": "ci-migrate-backup", "format_version": 1, **dataclasses.asdict(MANIFEST)}
    return json.dumps({key: value for key, value in {**base, **changes}.items() if value != "-"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "format"),
        ("{}", "format"),
        (content()[:-20], "not JSON"),
        (content(format_version=2), "format version 2"),
        (content(sha256="-"), "sha256 is missing"),
        (content(bytes="many"), "many"),
        (content(tables=[1]), "not a backup manifest"),
        (content(tools=3), "not a backup manifest"),
        (content(finished="yesterday"), "yesterday"),
        (content(archive=7), "archive is 7"),
    ],
)
def test_what_is_no_manifest_is_told(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BackupError, match=message) as caught:
        read_manifest(tmp_path / "x.json")
    assert caught.value.next_step


def test_missing_manifest_is_told(tmp_path):
    with pytest.raises(BackupError, match="No such file"):
        read_manifest(tmp_path / "x.json")


def add_backup(directory: Path, name: str, *, day: int, environment: str = "production") -> Path:
    archive = directory / f"{name}.dump"
    archive.write_text("x")
    finished = format_time(NOW + timedelta(days=day))
    manifest = dataclasses.replace(
        MANIFEST, archive=archive.name, environment=environment, finished=finished
    )
    write_manifest(manifest, manifest_path(archive))
    return archive


def test_oldest_archives_of_the_environment_are_removed(tmp_path):
    # The names are in another order than the times.
    paths = {day: add_backup(tmp_path, f"p{9 - day}", day=day) for day in (3, 1, 4, 2)}
    other = add_backup(tmp_path, "other", day=0, environment="staging")
    assert prune_backups(tmp_path, "production", 2) == (str(paths[1]), str(paths[2]))
    left = {paths[3], paths[4], other}
    assert set(tmp_path.iterdir()) == left | {manifest_path(path) for path in left}


@pytest.mark.parametrize("keep", [1, 0, -3])
def test_newest_archive_always_stays(tmp_path, keep):
    for day in (1, 2, 3):
        add_backup(tmp_path, f"p{day}", day=day)
    assert len(prune_backups(tmp_path, "production", keep)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p3.dump", "p3.json"]


def test_files_of_others_are_not_touched(tmp_path):
    directory = tmp_path / "backups"
    directory.mkdir()
    (tmp_path / "outside.dump").write_text("mine")
    outside = dataclasses.replace(MANIFEST, archive="../outside.dump")
    write_manifest(outside, directory / "outside.json")
    neighbour = dataclasses.replace(MANIFEST, archive="notes.txt")
    write_manifest(neighbour, directory / "evil.json")
    write_manifest(MANIFEST, tmp_path / "x.json")
    (tmp_path / "x.dump").write_text("x")
    (directory / "linked.json").symlink_to(tmp_path / "x.json")
    for name in ("notes.txt", "no-manifest.dump", "torn.dump"):
        (directory / name).write_text("mine")
    (directory / "torn.json").write_text(content()[:50])
    (directory / "package.json").write_text('{"name": "x"}')
    for day in (1, 2):
        add_backup(directory, f"p{day}", day=day)
    before = set(directory.iterdir())
    assert prune_backups(directory, "production", 1) == (str(directory / "p1.dump"),)
    assert before - set(directory.iterdir()) == {directory / "p1.dump", directory / "p1.json"}
    assert (tmp_path / "outside.dump").exists()


def test_directory_that_does_not_exist_has_nothing_to_prune(tmp_path):
    assert prune_backups(tmp_path / "none", "production", 1) == ()


def test_failure_of_a_tool_is_short_plain_and_without_the_password():
    stderr = "\n".join(["first", *"abcde", "\x1b[31mbad\x1b[0m p%40ss p@ss word", "DETAIL: row"])
    error = failed_tool(
        ProcessError("pg_dump ended with exit code 1", returncode=1, stderr=stderr),
        doing="pg_dump",
        password="p@ss",
    )
    assert "bad *** *** word" in str(error)
    for piece in ("first", "\x1b", "p@ss", "DETAIL"):
        assert piece not in str(error)


@pytest.mark.parametrize(
    ("stderr", "advice"),
    [
        ("pg_dump: error: could not write: No space left on device", "larger disk"),
        ('mysqldump: Got errno 28 on write\nErrcode: 28 "No space"', "larger disk"),
        ("FATAL:  password authentication failed for user", "password"),
        ("aborting because of server version mismatch", "major version"),
        ("ERROR:  permission denied for table t", "Grant"),
        ("query would be affected by row-level security policy", "BYPASSRLS"),
        ("canceling statement due to lock timeout", "lock"),
        ('connection to server at "x" failed: timeout', "reaches"),
        ("something else", "run again"),
    ],
)
def test_every_failure_has_a_next_step(stderr, advice):
    error = failed_tool(
        ProcessError("x", returncode=1, stderr=stderr), doing="pg_dump", password=""
    )
    assert advice in error.next_step


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_failure_of_a_file_names_it(number):
    error = failed_file(OSError(number, os.strerror(number), "/a/b"), doing="x", path=Path("/c"))
    assert "/a/b" in str(error)
    assert os.strerror(number) in str(error)
    assert error.next_step
