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

from ci_migrate.backup.checksum import Checksum
from ci_migrate.backup.directory import make_directory, name_archive
from ci_migrate.backup.failure import failed_file, failed_tool
from ci_migrate.backup.inventory import (
    choose_name,
    read_manifest,
    take_inventory,
    write_manifest,
)
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.manifest_json import parse_manifest, render_manifest
from ci_migrate.backup.prune import PruneRequest, exceed_rules, prune_backups
from ci_migrate.backup.request import BackupOptions
from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.database.activity import Written
from ci_migrate.errors import BackupError, ProcessError
from ci_migrate.times import format_time

NOW = datetime(2026, 3, 4, 5, 6, 7, 890000, tzinfo=timezone.utc)
SUM = Checksum(1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881")  # of "x"
MANIFEST = Manifest(
    name="x",
    archive="x.dump.age",
    location="s3://bucket/x.dump.age",
    backend="postgres",
    format="custom",
    environment="production",
    database="shop",
    host="db",
    dialect="postgresql",
    server_version="15.18",
    heads=("a", "b"),
    tables=(("public", "we\nird ü"), (None, "t")),
    rows={(None, "t"): 7},
    activity={(None, "t"): Written(inserted=7, updated=1, deleted=0)},
    sequences={("public", "t_id_seq"): 12},
    properties={"character_set": "utf8mb4"},
    plain=Checksum(3, "00"),
    stored=SUM,
    recipients=("age1xyz",),
    verified="by eye",
    verified_at=format_time(NOW),
    tools={"pg_dump": "15.18"},
    ci_migrate="0.1.0",
    run_id="r",
    run_url="https://ci.example/1",
    started=format_time(NOW),
    finished=format_time(NOW),
)
VERSION_1 = {
    "format": "ci-migrate-backup",
    "format_version": 1,
    "archive": "x.dump",
    "backend": "postgres",
    "environment": "production",
    "database": "shop",
    "host": "db",
    "dialect": "postgresql",
    "server_version": "15.18",
    "heads": ["a"],
    "tables": [["public", "t"], [None, "u"]],
    "bytes": 3,
    "sha256": "00",
    "verified": "by eye",
    "tools": {"pg_dump": "15.18"},
    "ci_migrate": "0.1.0",
    "run_id": "r",
    "started": "2026-03-04T05:06:07.890Z",
    "finished": "2026-03-04T05:06:07.890Z",
}


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    store = LocalStore(tmp_path / ".ci-migrate" / "backups")
    old = os.umask(umask)
    try:
        store.put("x.dump", b"x")
    finally:
        os.umask(old)
    directory = store.directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "x.dump").stat().st_mode) == 0o600


def test_a_directory_elsewhere_is_ignored_by_git_too(tmp_path):
    (tmp_path / ".git").mkdir()
    store = LocalStore(tmp_path / "shop" / "backups")
    for name in ("x.dump", "y.dump"):
        store.put(name, b"x")
    assert (store.directory / ".gitignore").read_text() == "*\n"
    assert not (store.directory.parent / ".gitignore").exists()


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
    assert choose_name(LocalStore(tmp_path), "x", ".dump") == "x-4"
    assert not (tmp_path / "elsewhere").exists()


def test_manifest_is_read_as_it_was_written(tmp_path):
    store = LocalStore(tmp_path)
    write_manifest(store, MANIFEST)
    assert read_manifest(store, "x.json") == MANIFEST
    with pytest.raises(BackupError, match="File exists"):
        write_manifest(store, MANIFEST)
    again = dataclasses.replace(MANIFEST, proof="restore")
    write_manifest(store, again, replace=True)
    assert read_manifest(store, "x.json") == again
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_manifest_of_version_1_is_still_read():
    manifest = parse_manifest(json.dumps(VERSION_1).encode(), "x.json")
    assert (manifest.name, manifest.archive) == ("x", "x.dump")
    assert manifest.plain == manifest.stored == Checksum(3, "00")
    assert manifest.tables == (("public", "t"), (None, "u"))
    assert not manifest.encrypted


def old(**changes) -> bytes:
    values = {**VERSION_1, **changes}
    return json.dumps({key: value for key, value in values.items() if value != "-"}).encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "format"),
        (b"{}", "format"),
        (old()[:-20], "not JSON"),
        (old(format_version=3), "format version 3"),
        (old(format_version=2), "edited"),
        (old(sha256="-"), "sha256 is missing"),
        (old(bytes="many"), "many"),
        (old(tables=[1]), "not a usable backup manifest"),
        (old(tools=3), "not a usable backup manifest"),
        (old(finished="yesterday"), "yesterday"),
        (old(archive=7), "archive is 7"),
        (old(archive="../x.dump"), "another archive"),
        (old(archive="y.dump"), "another archive"),
        (old(archive="x./../../etc/passwd"), "another archive"),
        (old(archive="x.\0dump"), "another archive"),
    ],
)
def test_what_is_no_manifest_is_told(text, message):
    with pytest.raises(BackupError, match=message) as caught:
        parse_manifest(text, "x.json")
    assert caught.value.next_step


def test_every_edit_of_a_manifest_is_found():
    content = json.loads(render_manifest(MANIFEST))
    for key in set(content) - {"format", "format_version"}:
        for value in (None, "other", [], 5):
            edited = json.dumps({**content, key: value}).encode()
            with pytest.raises(BackupError, match="edited"):
                parse_manifest(edited, "x.json")


def test_missing_manifest_is_told(tmp_path):
    with pytest.raises(BackupError, match="No such file"):
        read_manifest(LocalStore(tmp_path), "x.json")


def add_backup(directory: Path, name: str, *, day: int, environment: str = "production") -> Path:
    archive = directory / f"{name}.dump"
    archive.write_text("x")
    manifest = dataclasses.replace(
        MANIFEST,
        name=name,
        archive=archive.name,
        environment=environment,
        finished=format_time(NOW + timedelta(days=day)),
    )
    write_manifest(LocalStore(directory), manifest)
    return archive


def prune_order(
    directory: Path, keep: int | None, keep_days: int | None = None, proved: str = "", **later
) -> PruneRequest:
    return PruneRequest(
        store=LocalStore(directory),
        environment="production",
        keep=keep,
        keep_days=keep_days,
        now=NOW + timedelta(**later),
        options=BackupOptions(),
        env={},
        proved=proved,
    )


def prune(directory: Path, *rules: int | None, **later) -> tuple[str, ...]:
    gone = prune_backups(prune_order(directory, *rules, **later)).backups
    return tuple(str(directory / manifest.archive) for manifest in gone)


def test_oldest_archives_of_the_environment_are_removed(tmp_path):
    # The names are in another order than the times.
    paths = {day: add_backup(tmp_path, f"p{9 - day}", day=day) for day in (3, 1, 4, 2)}
    other = add_backup(tmp_path, "other", day=0, environment="staging")
    assert prune(tmp_path, 2) == (str(paths[1]), str(paths[2]))
    left = {paths[3], paths[4], other}
    assert set(tmp_path.iterdir()) == left | {path.with_suffix(".json") for path in left}


@pytest.mark.parametrize("keep", [1, 0, -3])
def test_newest_archive_always_stays(tmp_path, keep):
    for day in (1, 2, 3):
        add_backup(tmp_path, f"p{day}", day=day)
    assert len(prune(tmp_path, keep)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p3.dump", "p3.json"]


@pytest.mark.parametrize(
    ("keep", "keep_days", "left"),
    [
        (None, None, [1, 2, 3, 4]),
        (2, None, [3, 4]),
        (None, 100, [1, 2, 3, 4]),
        (None, 2, [3, 4]),
        (None, 0, [4]),
        (3, 2, [2, 3, 4]),
        (1, 3, [2, 3, 4]),
    ],
)
def test_a_backup_goes_when_no_rule_keeps_it(keep, keep_days, left):
    days = {
        day: dataclasses.replace(MANIFEST, finished=format_time(NOW + timedelta(days=day)))
        for day in (1, 2, 3, 4)
    }
    now = NOW + timedelta(days=5)
    gone = exceed_rules(tuple(days.values()), keep=keep, keep_days=keep_days, now=now)
    assert [day for day, one in days.items() if one not in gone] == left


def test_archive_that_is_not_whole_keeps_no_place(tmp_path):
    """The newest one is damaged: the one before it is the newest that can be brought back."""
    paths = [add_backup(tmp_path, f"p{day}", day=day) for day in (1, 2, 3)]
    paths[2].write_text("")
    assert prune(tmp_path, 1) == (str(paths[0]),)
    paths[2].unlink()
    problems = take_inventory(LocalStore(tmp_path), "production").problems
    assert problems == ("p3.json: its archive p3.dump is missing",)


def test_a_backup_that_was_spoilt_in_place_does_not_let_the_last_whole_one_go(tmp_path):
    """Its size is right and its manifest says that it was proved; its bytes are others by now."""
    paths = [add_backup(tmp_path, f"p{day}", day=day) for day in (1, 2, 3, 4)]
    for spoilt in paths[2:]:
        spoilt.write_text("y")
    surplus = prune_backups(prune_order(tmp_path, 1))
    assert [manifest.name for manifest in surplus.backups] == ["p1", "p3"]
    assert [told.split(":")[0] for told in surplus.spoilt] == ["p4", "p3"]
    assert all(" is not a usable backup" in told for told in surplus.spoilt), surplus.spoilt
    assert {path.name for path in tmp_path.glob("*.dump")} == {"p2.dump", "p4.dump"}


def test_where_no_backup_is_whole_none_goes(tmp_path):
    for day in (1, 2, 3):
        add_backup(tmp_path, f"p{day}", day=day).write_text("y")
    surplus = prune_backups(prune_order(tmp_path, 1))
    assert (surplus.backups, len(surplus.spoilt)) == ((), 3)
    assert len(list(tmp_path.glob("*.dump"))) == 3


def test_the_backup_of_this_run_is_not_read_again(tmp_path):
    for day in (1, 2):
        archive = add_backup(tmp_path, f"p{day}", day=day)
    archive.write_text("y")
    surplus = prune_backups(prune_order(tmp_path, 1, proved=MANIFEST.location))
    assert ([one.name for one in surplus.backups], surplus.spoilt) == (["p1"], ())


def test_files_of_others_are_not_touched(tmp_path):
    directory = tmp_path / "backups"
    directory.mkdir()
    (tmp_path / "x.dump.age").write_text("x")
    write_manifest(LocalStore(tmp_path), MANIFEST)
    (directory / "linked.json").symlink_to(tmp_path / "x.json")
    for name in ("notes.txt", "no-manifest.dump", "torn.dump"):
        (directory / name).write_text("mine")
    (directory / "torn.json").write_bytes(old()[:50])
    (directory / "evil.json").write_bytes(old(archive="notes.txt"))
    (directory / "package.json").write_text('{"name": "x"}')
    (directory / ".hidden").write_text("mine")
    for day in (1, 2):
        add_backup(directory, f"p{day}", day=day)
    before = set(directory.iterdir())
    assert prune(directory, 1) == (str(directory / "p1.dump"),)
    assert before - set(directory.iterdir()) == {directory / "p1.dump", directory / "p1.json"}


def test_what_a_killed_run_left_is_swept_when_it_is_old(tmp_path):
    part = tmp_path / ".p.dump.part"
    part.write_text("half")
    scratch = tmp_path / ".ci-migrate-x"
    scratch.mkdir()
    (scratch / "snapshot").write_text("all")
    for path in (part, scratch):
        os.utime(path, times=(NOW.timestamp(), NOW.timestamp()))
    assert take_inventory(LocalStore(tmp_path), "production").backups == ()
    prune(tmp_path, 1, hours=23)
    assert part.exists()
    assert scratch.exists()
    prune(tmp_path, 1, hours=25)
    assert list(tmp_path.iterdir()) == []


def test_directory_that_does_not_exist_has_nothing_to_prune(tmp_path):
    assert prune(tmp_path / "none", 1) == ()
    assert not (tmp_path / "none").exists()


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
