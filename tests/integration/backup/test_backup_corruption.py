"""A hundred ways in which a backup can be worthless, and verify finds each of them."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from ci_migrate.backup.checksum import read_checksum
from ci_migrate.backup.encryption import decrypt, encrypt, parse_identities, parse_recipients
from ci_migrate.backup.inventory import read_manifest, write_manifest
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.request import BackupRequest
from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import verify_backup
from ci_migrate.errors import BackupError
from tests.integration.backup.backup_samples import SAMPLES, make_request, run_all

pytestmark = pytest.mark.newest
IDENTITY = pyrage.x25519.Identity.generate()
PUBLIC = str(IDENTITY.to_public())


class Case:
    """A good backup, and copies of it that are damaged one by one."""

    def __init__(self, folder: Path, order: BackupRequest) -> None:
        self.env, self.options = order.env, order.options
        self.good = LocalStore(folder / "good")
        self.bad = LocalStore(folder / "bad")

    @property
    def manifest(self) -> Manifest:
        (name,) = [file.name for file in self.good.list() if file.name.endswith(".json")]
        return read_manifest(self.good, name)

    def fresh(self) -> tuple[Path, Path]:
        """Return archive and manifest of a new copy."""
        shutil.rmtree(self.bad.directory, ignore_errors=True)
        shutil.copytree(self.good.directory, self.bad.directory)
        manifest = self.manifest
        return self.bad.directory / manifest.archive, self.bad.directory / manifest.file_name

    def is_found(self, *, identity: str = str(IDENTITY)) -> bool:
        """Return whether reading the manifest of the copy, or verifying its archive, finds a fault."""
        try:
            manifest = read_manifest(self.bad, self.manifest.file_name)
            identities = parse_identities(identity) if manifest.encrypted else []
            verify_backup(manifest, self.bad, identities, env=self.env, options=self.options)
        except BackupError as exc:
            assert exc.next_step
            return True
        return False


def damages(case: Case, other: LocalStore) -> Iterator[str]:
    """Make one damage after the other, and name it."""
    archive, _ = case.fresh()
    whole = archive.read_bytes()
    for tenth in range(10):
        archive, _ = case.fresh()
        archive.write_bytes(whole[: len(whole) * tenth // 10])
        yield f"cut at {tenth} tenths"
    for part in range(20):
        archive, _ = case.fresh()
        flipped = bytearray(whole)
        flipped[(len(whole) - 1) * part // 19] ^= 1 << (part % 8)
        archive.write_bytes(flipped)
        yield f"bit {part % 8} flipped at {part} parts of 19"
    for name, content in (
        ("grown", whole + b"\0"),
        ("grown by itself", whole + whole),
        ("of zeros", bytes(len(whole))),
        ("of noise", os.urandom(len(whole))),
        ("turned round", whole[::-1]),
    ):
        archive, _ = case.fresh()
        archive.write_bytes(content)
        yield name
    archive, _ = case.fresh()
    archive.unlink()
    yield "archive gone"
    archive, manifest = case.fresh()
    manifest.unlink()
    yield "manifest gone"
    yield from swaps(case, other)
    yield from edits(case)


def swaps(case: Case, other: LocalStore) -> Iterator[str]:
    names = [file.name for file in other.list()]
    (their_archive,) = [name for name in names if not name.endswith(".json")]
    (their_manifest,) = [name for name in names if name.endswith(".json")]
    archive, manifest = case.fresh()
    shutil.copy(other.directory / their_archive, archive)
    yield "archive of another database"
    archive, manifest = case.fresh()
    shutil.copy(other.directory / their_manifest, manifest)
    yield "manifest of another database"
    if case.manifest.backend == "mariadb-backup":
        return  # both are copies of one server, and each holds both databases
    # Somebody renamed both, and made a manifest that fits: the archive itself must tell.
    archive, manifest = case.fresh()
    shutil.copy(other.directory / their_archive, archive)
    with archive.open("rb") as file:
        stored = read_checksum(file)
    theirs = read_manifest(other, their_manifest)
    forged = dataclasses.replace(case.manifest, stored=stored, plain=theirs.plain)
    write_manifest(case.bad, forged, replace=True)
    yield "archive and checksums of another database"


def edits(case: Case) -> Iterator[str]:
    _, path = case.fresh()
    content = json.loads(path.read_text())
    for key in sorted(set(content)):
        for value in ("", 0, None):
            if value != content[key]:
                path.write_text(json.dumps({**content, key: value}))
                yield f"manifest with {key} {value!r}"
    path.write_text(path.read_text()[:-20])
    yield "manifest cut"


@pytest.mark.parametrize(
    ("kind", "recipients"),
    [
        *[pytest.param(kind, (), id=kind) for kind in ("postgres", "mysql", "sqlite")],
        pytest.param("mariadb-backup", (), id="mariadb-backup", marks=pytest.mark.slow),
        pytest.param("command", (), id="command", marks=pytest.mark.slow),
        pytest.param("sqlite", (PUBLIC,), id="sqlite-age"),
        pytest.param("postgres", (PUBLIC,), id="postgres-age", marks=pytest.mark.slow),
        pytest.param("mysql", (PUBLIC,), id="mysql-age", marks=pytest.mark.slow),
    ],
)
def test_every_damage_is_found(kind, recipients, request, tmp_path):
    sample, fixture = SAMPLES[kind]
    url = request.getfixturevalue(fixture)
    sample.fill(url)
    order = make_request(sample, url, tmp_path, store=LocalStore(tmp_path / "good"))
    order = dataclasses.replace(order, encrypt_to=recipients)
    take_backup(order, sample.backend)
    other_url = sample.make_empty(url)
    try:
        run_all(other_url, "CREATE TABLE other (i int)")
        other = LocalStore(tmp_path / "other")
        theirs = make_request(
            sample, other_url, tmp_path, store=other, tables=((order.tables[1][0], "other"),)
        )
        take_backup(dataclasses.replace(theirs, encrypt_to=recipients), sample.backend)
    finally:
        sample.forget(url, other_url)

    case = Case(tmp_path, order)
    case.fresh()
    assert not case.is_found(), "the copy that nobody damaged is good"
    found = {what: case.is_found() for what in damages(case, other)}
    if recipients:
        case.fresh()
        stranger = str(pyrage.x25519.Identity.generate())
        found["another key"] = case.is_found(identity=stranger)
        found["encrypted anew"] = encrypted_anew(case)
    assert [what for what, is_found in found.items() if not is_found] == []
    assert len(found) >= 100


def encrypted_anew(case: Case) -> bool:
    """Whether an archive is found that somebody decrypted, changed, and encrypted to the same public key."""
    archive, _ = case.fresh()
    plain = pyrage.decrypt(archive.read_bytes(), [IDENTITY])
    with archive.open("wb") as file:
        encrypt(io.BytesIO(plain + b"\n"), file, parse_recipients([PUBLIC]))
    with archive.open("rb") as file:
        stored = read_checksum(file)
    write_manifest(case.bad, dataclasses.replace(case.manifest, stored=stored), replace=True)
    return case.is_found()


needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="the program age is missing")


@needs_age
@pytest.mark.parametrize("kind", ["x25519", "ssh-ed25519", "ssh-rsa"])
def test_age_and_we_read_each_other(kind, tmp_path):
    """`age` encrypts, we decrypt; we encrypt, `age` decrypts; with every kind of key."""
    private, public = make_keys(kind, tmp_path)
    plain = os.urandom(200_000)
    (tmp_path / "plain").write_bytes(plain)
    argv = ["age", "-r", public, "-o", tmp_path / "theirs.age", tmp_path / "plain"]
    subprocess.run(argv, check=True)
    with (tmp_path / "theirs.age").open("rb") as source, (tmp_path / "out").open("wb") as target:
        decrypt(source, target, parse_identities(private.read_text()))
    assert (tmp_path / "out").read_bytes() == plain
    with (tmp_path / "plain").open("rb") as source, (tmp_path / "ours.age").open("wb") as target:
        encrypt(source, target, parse_recipients([public]))
    done = subprocess.run(
        ["age", "-d", "-i", private, tmp_path / "ours.age"], check=True, capture_output=True
    )
    assert done.stdout == plain


def make_keys(kind: str, folder: Path) -> tuple[Path, str]:
    private = folder / "key"
    if kind == "x25519":
        identity = pyrage.x25519.Identity.generate()
        private.write_text(f"# created: now\n{identity}\n")
        private.chmod(0o600)
        return private, str(identity.to_public())
    argv = ["ssh-keygen", "-q", "-t", kind.removeprefix("ssh-"), "-N", "", "-f", private]
    subprocess.run(argv, check=True)
    return private, private.with_suffix(".pub").read_text().strip()
