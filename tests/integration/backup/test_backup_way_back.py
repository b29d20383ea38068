"""Every backend, there and back: as a stream through encryption, and into a database that is empty."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.backends import mysql
from ci_migrate.backup.backends.registry import BACKENDS
from ci_migrate.backup.encryption import make_run_key, parse_identities
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.reading import open_backup
from ci_migrate.backup.request import RestoreRequest
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import NOT_DECRYPTED, verify_backup
from ci_migrate.database.catalog import read_properties
from ci_migrate.database.engine import Database
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError
from tests.integration.backup.backup_samples import DUMPS, SAMPLES, make_request, run_all

IDENTITY = pyrage.x25519.Identity.generate()


LOADED = ("postgres", "mysql", "sqlite")
"""Backends whose archive goes into a server that runs."""


@pytest.fixture(
    params=[pytest.param(k, marks=[] if k in LOADED else pytest.mark.slow) for k in DUMPS]
)
def case(request, tmp_path):
    """Return (sample, url, request) of a filled database."""
    sample, fixture = SAMPLES[request.param]
    url = request.getfixturevalue(fixture)
    sample.fill(url)
    return sample, url, make_request(sample, url, tmp_path / "out")


@pytest.mark.parametrize("case", LOADED, indirect=True)
@pytest.mark.parametrize("recipients", [(), (str(IDENTITY.to_public()),)], ids=["plain", "age"])
def test_backup_comes_back_to_the_same_rows(case, recipients):
    sample, url, request = case
    before = sample.rows(url)
    request = dataclasses.replace(request, encrypt_to=recipients)
    backup = take_backup(request, sample.backend)
    (manifest,) = take_inventory(request.store, "production").backups
    assert manifest.encrypted == bool(recipients) == backup.location.endswith(".age")
    identities = parse_identities(str(IDENTITY)) if recipients else []
    proof = verify_backup(manifest, request.store, identities, env=request.env)
    assert f"{len(sample.tables)} tables" in backup.verified
    assert f"{len(sample.tables)} tables" in proof

    backend = BACKENDS[manifest.backend]
    restored = sample.make_empty(url)
    try:
        order = RestoreRequest(
            format=manifest.format,
            tools=backend.find_tools(manifest.tools, request.env),
            env=request.env,
        )
        with open_backup(manifest, request.store, identities, env=request.env) as source:
            backend.restore_archive(order, source, address_of(make_url(restored)))
        assert sample.rows(restored) == before
    finally:
        sample.forget(url, restored)
    left = {path.name for path in request.store.directory.iterdir()}
    assert left == {manifest.archive, manifest.file_name}


def test_encrypted_archive_needs_the_right_identity(case):
    sample, _, request = case
    request = dataclasses.replace(request, encrypt_to=(str(IDENTITY.to_public()),))
    take_backup(request, sample.backend)
    (manifest,) = take_inventory(request.store, "production").backups
    assert verify_backup(manifest, request.store, env=request.env) == NOT_DECRYPTED
    stranger = parse_identities(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(BackupError, match="No matching keys"):
        verify_backup(manifest, request.store, stranger, env=request.env)


@pytest.mark.skipif(shutil.which("age") is None, reason="the program age is not installed")
def test_age_itself_opens_what_was_encrypted(case, tmp_path):
    sample, url, request = case
    request = dataclasses.replace(request, encrypt_to=(str(IDENTITY.to_public()),))
    location = Path(take_backup(request, sample.backend).location)
    (tmp_path / "key").write_text(str(IDENTITY))
    plain = tmp_path / "plain"
    subprocess.run(["age", "-d", "-i", tmp_path / "key", "-o", plain, location], check=True)
    restored = sample.restore(url, plain)
    try:
        assert sample.rows(restored) == sample.rows(url)
    finally:
        sample.forget(url, restored)


def test_database_gets_its_character_set_back(mariadb_url, tmp_path):
    """The dump does not say it, and a table that is made later would get another one."""
    sample = SAMPLES["mysql"][0]
    name = make_url(mariadb_url).database
    run_all(mariadb_url, f"ALTER DATABASE `{name}` CHARACTER SET latin2 COLLATE latin2_czech_cs")
    database = Database(mariadb_url, root=tmp_path)
    properties = read_properties(database)
    assert properties == {"character_set": "latin2", "collation": "latin2_czech_cs"}
    request = make_request(sample, mariadb_url, tmp_path / "out", tables=(), properties=properties)
    take_backup(request, "auto")
    (manifest,) = take_inventory(request.store, "production").backups
    restored = sample.make_empty(mariadb_url)
    order = RestoreRequest(
        tools=mysql.find_tools(manifest.tools, request.env),
        env=request.env,
        properties=manifest.properties,
    )
    try:
        with open_backup(manifest, request.store, env=request.env) as source:
            mysql.restore_archive(order, source, address_of(make_url(restored)))
        assert read_properties(Database(restored, root=tmp_path)) == properties
    finally:
        sample.forget(mariadb_url, restored)


def test_the_run_itself_reads_its_encrypted_archive_by_a_key_of_its_own(sqlite_url, tmp_path):
    sample = SAMPLES["sqlite"][0]
    sample.fill(sqlite_url)
    key, recipient = make_run_key()
    request = make_request(
        sample,
        sqlite_url,
        tmp_path / "out",
        encrypt_to=(str(IDENTITY.to_public()),),
        run_recipient=recipient,
    )
    take_backup(request, "auto")
    (manifest,) = take_inventory(request.store, "production").backups
    assert manifest.recipients == request.encrypt_to
    for identity in (key, IDENTITY):
        assert "decrypted" in verify_backup(manifest, request.store, [identity], env=request.env)
