"""Every backend, there and back: as a stream through encryption, and into a database that is empty."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.backends.registry import BACKENDS
from ci_migrate.backup.encryption import parse_identities
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.reading import open_backup
from ci_migrate.backup.request import RestoreRequest
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import NOT_DECRYPTED, verify_backup
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError
from tests.integration.backup.backup_samples import SAMPLES, make_request

IDENTITY = pyrage.x25519.Identity.generate()


@pytest.fixture(params=list(SAMPLES))
def case(request, tmp_path):
    """Return (sample, url, request) of a filled database."""
    sample, fixture = SAMPLES[request.param]
    url = request.getfixturevalue(fixture)
    sample.fill(url)
    return sample, url, make_request(sample, url, tmp_path / "out")


@pytest.mark.parametrize("recipients", [(), (str(IDENTITY.to_public()),)], ids=["plain", "age"])
def test_backup_comes_back_to_the_same_rows(case, recipients):
    sample, url, request = case
    before = sample.rows(url)
    request = dataclasses.replace(request, encrypt_to=recipients)
    backup = take_backup(request, "auto")
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
    _, _, request = case
    request = dataclasses.replace(request, encrypt_to=(str(IDENTITY.to_public()),))
    take_backup(request, "auto")
    (manifest,) = take_inventory(request.store, "production").backups
    assert verify_backup(manifest, request.store, env=request.env) == NOT_DECRYPTED
    stranger = parse_identities(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(BackupError, match="No matching keys"):
        verify_backup(manifest, request.store, stranger, env=request.env)


@pytest.mark.skipif(shutil.which("age") is None, reason="the program age is not installed")
def test_age_itself_opens_what_was_encrypted(case, tmp_path):
    sample, url, request = case
    request = dataclasses.replace(request, encrypt_to=(str(IDENTITY.to_public()),))
    location = Path(take_backup(request, "auto").location)
    (tmp_path / "key").write_text(str(IDENTITY))
    plain = tmp_path / "plain"
    subprocess.run(["age", "-d", "-i", tmp_path / "key", "-o", plain, location], check=True)
    restored = sample.restore(url, plain)
    try:
        assert sample.rows(restored) == sample.rows(url)
    finally:
        sample.forget(url, restored)
