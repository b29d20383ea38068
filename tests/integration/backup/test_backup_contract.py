"""What every backend must do, on a real database with awkward names."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
from pathlib import Path

import pytest

from ci_migrate.backup.archive import ArchiveSource
from ci_migrate.backup.backends.registry import BACKENDS
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.request import ProofRequest
from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import verify_backup
from ci_migrate.errors import BackupError
from tests.integration.backup.backup_samples import DUMPS, SAMPLES, make_request

pytestmark = pytest.mark.newest


SLOW = {"mariadb-backup", "rds"}


def kinds(names):
    """Return parameters; those that take long for `make test-slow`."""
    return [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in names]


@pytest.fixture(params=kinds(SAMPLES))
def case(request, tmp_path):
    """Return (sample, url, request) of a filled database."""
    return make_case(request, tmp_path)


@pytest.fixture(params=kinds(DUMPS))
def dump(request, tmp_path):
    """Return the same for a backend whose archive holds the rows itself."""
    return make_case(request, tmp_path)


@pytest.fixture(params=[*DUMPS, "command"])
def restorable(request, tmp_path):
    """Return the same for a backend that brings its archives back."""
    return make_case(request, tmp_path)


def make_case(request, tmp_path):
    sample, fixture = SAMPLES[request.param]
    url = request.getfixturevalue(fixture)
    sample.fill(url)
    order = make_request(sample, url, tmp_path / "out" / ".ci-migrate" / "backups")
    if sample.backend == "rds":
        server = request.getfixturevalue("rds")
        server.make_instance("shop")
        order = dataclasses.replace(order, env={**order.env, **server.env()})
    return sample, url, order


def test_every_backend_has_a_sample():
    assert set(BACKENDS) == {sample.backend for sample, _ in SAMPLES.values()}


def test_archive_restores_to_the_same_rows(restorable):
    sample, url, request = restorable
    before = sample.rows(url)
    backup = take_backup(request, sample.backend)
    restored = sample.restore(url, Path(backup.location))
    try:
        assert sample.rows(restored) == before
    finally:
        sample.forget(url, restored)
    assert backup.backend == sample.backend
    assert backup.verified.endswith(", checksum re-read")


def test_the_proof_of_a_dump_counts_the_tables(dump):
    sample, _, request = dump
    verified = take_backup(request, sample.backend).verified
    assert f"{len(sample.tables)} tables" in verified


def test_files_are_private_and_described(case):
    sample, _, request = case
    old = os.umask(0)
    try:
        backup = take_backup(request, sample.backend)
    finally:
        os.umask(old)
    archive = Path(backup.location)
    assert archive.stem == "production-20260304T050607Z-01234567"
    described = archive.with_suffix(".json")
    for path, mode in ((archive, 0o600), (described, 0o600), (archive.parent, 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    assert (archive.parent.parent / ".gitignore").read_text() == "*\n"
    assert sorted(archive.parent.iterdir()) == sorted([archive, described])
    (manifest,) = take_inventory(request.store, "production").backups
    assert manifest.tables == sample.tables
    assert manifest.heads == ("abc123",)
    assert manifest.stored.bytes == archive.stat().st_size == backup.bytes
    assert manifest.stored.sha256 == backup.sha256 == manifest.plain.sha256
    assert manifest.started == "2026-03-04T05:06:07.000Z" <= manifest.finished
    assert json.loads(described.read_text())["format_version"] == 2


def test_two_backups_of_one_run_stand_beside_each_other(case):
    sample, _, request = case
    first, second = take_backup(request, sample.backend), take_backup(request, sample.backend)
    assert first.location != second.location
    assert Path(first.location).exists()


@pytest.mark.parametrize("damage", ["emptied", "cut", "flipped", "gone"])
def test_damaged_archive_is_not_a_backup(case, damage):
    sample, _, request = case
    archive = Path(take_backup(request, sample.backend).location)
    (manifest,) = take_inventory(request.store, "production").backups
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    changes = {"emptied": b"", "cut": bytes(content[:-10]), "flipped": bytes(content)}
    archive.unlink() if damage == "gone" else archive.write_bytes(changes[damage])
    with pytest.raises(BackupError) as caught:
        verify_backup(manifest, request.store, env=request.env, options=request.options)
    assert caught.value.next_step


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.999])
def test_archive_that_was_never_whole_is_not_a_backup(case, kept, tmp_path):
    """The checksum says nothing here: it was made of the short file."""
    sample, _, request = case
    backend = BACKENDS[sample.backend]
    archive = Path(take_backup(request, sample.backend).location)
    (manifest,) = take_inventory(request.store, "production").backups
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * kept)])
    proof = ProofRequest(
        name=archive.name,
        database=request.address.database,
        tables=sample.tables,
        tools=backend.check_tools(request),
        env=request.env,
        options=request.options,
        origin=manifest.origin,
    )
    for path in (archive, None):
        with archive.open("rb", buffering=0) as file, pytest.raises(BackupError):
            backend.verify_archive(proof, ArchiveSource(file=file, path=path, scratch=tmp_path))


def test_table_that_is_not_in_the_archive_stops(dump):
    sample, _, request = dump
    schema = "public" if sample.backend == "postgres" else None
    more = dataclasses.replace(request, tables=(*sample.tables, (schema, "not there")))
    with pytest.raises(BackupError, match="not there"):
        take_backup(more, sample.backend)
    assert list(request.store.directory.iterdir()) == []


def test_code_in_the_database_is_not_taken_for_a_table(dump):
    sample, _, request = dump
    schema = "public" if sample.backend == "postgres" else None
    for name in ("made_by_code", "fake", "seen_", "DATA", "kept"):
        more = dataclasses.replace(request, tables=(*sample.tables, (schema, name)))
        with pytest.raises(BackupError, match="1 of the database's tables are missing"):
            take_backup(more, sample.backend)


def test_file_in_place_of_the_directory(case, tmp_path):
    sample, _, request = case
    (tmp_path / "file").write_text("mine")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BackupError, match="file") as caught:
            take_backup(dataclasses.replace(request, store=LocalStore(directory)), sample.backend)
        assert "backup.directory" in caught.value.next_step
    assert (tmp_path / "file").read_text() == "mine"


def test_directory_of_the_kernel_cannot_be_written(case):
    sample, _, request = case
    with pytest.raises(BackupError, match="/proc"):
        take_backup(
            dataclasses.replace(request, store=LocalStore(Path("/proc/none"))), sample.backend
        )


def test_symlink_at_the_archives_place_is_not_followed(case, tmp_path):
    sample, _, request = case
    request.store.directory.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    backend = BACKENDS[sample.backend]
    suffix = backend.archive_suffix(request.options)
    name = "production-20260304T050607Z-01234567"
    (request.store.directory / f"{name}{suffix}").symlink_to(victim)
    (request.store.directory / f"{name}-2{suffix}").symlink_to(tmp_path / "dangling")
    backup = take_backup(request, sample.backend)
    assert Path(backup.location).name == f"{name}-3{suffix}"
    assert victim.read_text() == "mine"
    assert not (tmp_path / "dangling").exists()
