"""Stores: what each must do, and a real S3 server on a bad day."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from ci_migrate.backup.encryption import parse_identities
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.prune import PruneRequest, prune_backups
from ci_migrate.backup.reading import open_backup
from ci_migrate.backup.stores.object_store import MOST_PARTS, PART_BYTES
from ci_migrate.backup.stores.opening import open_store
from ci_migrate.backup.stores.protocol import Store
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import verify_backup
from ci_migrate.database.catalog import read_size
from ci_migrate.database.engine import Database
from ci_migrate.errors import BackupError
from tests.integration.backup.backup_samples import DUMPS, SAMPLES, make_request, run_all
from tests.servers.object_store import (
    READ_ONLY,
    SECRET_KEY,
    ObjectStoreServer,
    find_seaweed,
)
from tests.servers.proxy import Proxy

pyrage = pytest.importorskip("pyrage")
pytestmark = pytest.mark.newest
MEGABYTE = 1 << 20


@pytest.fixture(params=["local", "s3", "az"])
def store(request, tmp_path) -> Store:
    """An empty store of each kind."""
    if request.param == "local":
        return open_store("store", root=tmp_path, env={})
    if request.param == "az":
        env = request.getfixturevalue("azure").env()
        return open_store(f"az://backups/{tmp_path.name}", root=tmp_path, env=env)
    return remote(request.getfixturevalue("object_store"), tmp_path)


def remote(server: ObjectStoreServer, tmp_path: Path, **login) -> Store:
    return open_store(f"s3://backups/{tmp_path.name}", root=tmp_path, env=server.env(**login))


def read(store: Store, name: str) -> bytes:
    with store.open(name) as reader:
        return b"".join(iter(lambda: reader.read(MEGABYTE), b""))


@pytest.mark.parametrize("megabytes", [0, 1, 20])
def test_a_file_is_seen_when_it_is_whole_and_never_overwritten(store, megabytes):
    pieces = [os.urandom(MEGABYTE) for _ in range(megabytes)] + [b"end"]
    upload = store.create("x.dump")
    for piece in pieces:
        assert upload.write(piece) == len(piece)
    assert not store.exists("x.dump")
    assert store.list() == ()
    upload.commit()
    assert [(file.name, file.bytes) for file in store.list()] == [
        ("x.dump", megabytes * MEGABYTE + 3)
    ]
    assert read(store, "x.dump") == b"".join(pieces)

    again = store.create("x.dump")
    for piece in pieces:
        again.write(piece + b"!")
    with pytest.raises(BackupError) as caught:
        again.commit()
    again.abort()
    assert caught.value.next_step
    assert read(store, "x.dump") == b"".join(pieces)


def test_what_is_given_up_is_gone(store):
    for size in (1, 20):
        upload = store.create("x.dump")
        for _ in range(size):
            upload.write(bytes(MEGABYTE))
        upload.abort()
        upload.abort()
    assert store.list() == ()


def test_small_files_are_put_found_replaced_and_removed(store):
    assert not store.exists("a.json")
    store.put("a.json", b"1")
    with pytest.raises(BackupError):
        store.put("a.json", b"2")
    assert read(store, "a.json") == b"1"
    store.put("a.json", b"3", replace=True)
    assert read(store, "a.json") == b"3"
    store.delete("a.json")
    store.delete("a.json")
    assert store.list() == ()
    with pytest.raises(BackupError) as caught:
        read(store, "a.json")
    assert store.locate("a.json") in str(caught.value)


@pytest.mark.parametrize(
    "kind", ["postgres", pytest.param("mysql", marks=pytest.mark.slow), "sqlite"]
)
def test_backup_streams_into_an_object_store_and_back(kind, request, object_store, tmp_path):
    sample, fixture = SAMPLES[kind]
    url = request.getfixturevalue(fixture)
    sample.fill(url)
    identity = pyrage.x25519.Identity.generate()
    store = remote(object_store, tmp_path)
    order = make_request(
        sample, url, tmp_path, store=store, encrypt_to=(str(identity.to_public()),)
    )
    backup = take_backup(order, "auto")
    assert backup.location.startswith(f"s3://backups/{tmp_path.name}/production-")
    assert "read back from the store" in backup.verified
    (manifest,) = take_inventory(store, "production").backups
    identities = parse_identities(f"# made today\n{identity}\n")
    assert "tables" in verify_backup(manifest, store, identities, env=order.env)
    copy = tmp_path / "copy"
    with open_backup(manifest, store, identities, env=order.env) as source:
        copy.write_bytes(b"".join(iter(lambda: source.file.read(MEGABYTE), b"")))
    restored = sample.restore(url, copy)
    try:
        assert sample.rows(restored) == sample.rows(url)
    finally:
        sample.forget(url, restored)
    assert {file.name for file in store.list()} == {manifest.archive, manifest.file_name}


@pytest.mark.parametrize(
    ("login", "bucket", "message", "advice"),
    [
        ({"secret": "wrong-secret-word"}, "backups", "SignatureDoesNotMatch", "AWS_SECRET"),
        ({"key": "AKIANOBODY"}, "backups", "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ({}, "no-such-bucket", "NoSuchBucket", "Create the bucket"),
        (
            dict(zip(("key", "secret"), READ_ONLY, strict=True)),
            "backups",
            "AccessDenied",
            "s3:PutObject",
        ),
    ],
)
def test_store_that_refuses_says_why(
    object_store, sqlite_url, tmp_path, login, bucket, message, advice
):
    run_all(sqlite_url, "CREATE TABLE t (i int)")
    env = object_store.env(**login)
    store = open_store(f"s3://{bucket}/{tmp_path.name}", root=tmp_path, env=env)
    order = make_request(SAMPLES["sqlite"][0], sqlite_url, tmp_path, store=store, tables=())
    with pytest.raises(BackupError, match=message) as caught:
        take_backup(order, "auto")
    assert advice in caught.value.next_step
    for secret in (SECRET_KEY, READ_ONLY[1], "wrong-secret-word"):
        assert secret not in str(caught.value)
    assert remote(object_store, tmp_path).list() == ()


@pytest.mark.parametrize(
    ("location", "env", "message", "advice"),
    [
        ("az://box/p", {}, "Account must be specified", "AZURE_STORAGE_ACCOUNT_NAME"),
        (
            "az://box/p",
            {"AZURE_STORAGE_ACCOUNT_NAME": "acme", "AZURE_STORAGE_ACCOUNT_KEY": "no base64!"},
            "Invalid Access Key",
            "AZURE_STORAGE_ACCOUNT_NAME and _KEY",
        ),
        (
            "gs://bucket/p",
            {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"},
            "/nowhere.json",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (
            "gs://bucket/p",
            {"GOOGLE_SERVICE_ACCOUNT_KEY": "{}"},
            "service account",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
    ],
)
def test_credentials_of_other_clouds_that_cannot_be_used_are_told(
    tmp_path, location, env, message, advice
):
    with pytest.raises(BackupError, match=message) as caught:
        open_store(location, root=tmp_path, env=env).exists("x")
    assert advice in caught.value.next_step
    assert "no base64!" not in str(caught.value)


def test_azure_takes_a_backup_and_says_why_it_refuses_one(azure, sqlite_url, tmp_path):
    sample = SAMPLES["sqlite"][0]
    sample.fill(sqlite_url)
    place = f"az://backups/{tmp_path.name}"
    store = open_store(place, root=tmp_path, env=azure.env())
    backup = take_backup(make_request(sample, sqlite_url, tmp_path, store=store), "auto")
    assert backup.location.startswith(place)
    (manifest,) = take_inventory(store, "production").backups
    verify_backup(manifest, store, env=dict(os.environ))
    refused = [
        (open_store(place, root=tmp_path, env=azure.env(key="AAAA")), "AZURE_STORAGE_ACCOUNT_NAME"),
        (open_store("az://nowhere/p", root=tmp_path, env=azure.env()), "Create the bucket"),
    ]
    for other, advice in refused:
        with pytest.raises(BackupError) as caught:
            take_backup(make_request(sample, sqlite_url, tmp_path, store=other), "auto")
        assert advice in caught.value.next_step, str(caught.value)


def test_connections_that_are_cut_are_made_again(object_store, tmp_path):
    proxy = Proxy(object_store.port)
    store = remote(object_store, tmp_path, port=proxy.port)
    pieces = [os.urandom(MEGABYTE) for _ in range(40)]
    upload = store.create("x.dump")
    for number, piece in enumerate(pieces):
        upload.write(piece)
        if number % 10 == 9:
            proxy.cut()
    upload.commit()
    before = proxy.count
    found = b""
    with store.open("x.dump") as reader:
        while data := reader.read(MEGABYTE):
            found += data
            if len(found) % (8 * MEGABYTE) == 0:
                threading.Timer(0.003, proxy.cut).start()
    proxy.close()
    assert found == b"".join(pieces)
    assert proxy.count > before > 1


KILLED = """
import sys, time
from pathlib import Path
from ci_migrate.backup.stores.object_store import MOST_PARTS, PART_BYTES
from ci_migrate.backup.stores.opening import open_store
import os
upload = open_store(sys.argv[1], root=Path("/"), env=os.environ).create("x.dump")
for _ in range(20):
    upload.write(bytes(1 << 20))
print("written", flush=True)
time.sleep(60)
"""


def test_upload_that_is_killed_leaves_nothing_to_see(store, request, tmp_path):
    env = {**os.environ}
    if not store.is_local:
        server = "azure" if store.location.startswith("az:") else "object_store"
        env |= request.getfixturevalue(server).env()
    argv = [sys.executable, "-c", KILLED, store.location]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert store.list() == ()
    assert not store.exists("x.dump")
    upload = store.create("y.dump")
    upload.write(b"next")
    upload.commit()
    assert read(store, "y.dump") == b"next"


def test_parts_grow_with_what_is_expected(object_store, tmp_path):
    """S3 takes 10,000 parts: those of the usual size hold 84 GB."""
    store = remote(object_store, tmp_path)
    upload = store.create("x", expected_bytes=20 * PART_BYTES * MOST_PARTS)
    for _ in range(20):
        upload.write(bytes(PART_BYTES))
    upload.commit()
    assert store.list()[0].bytes == 20 * PART_BYTES
    small = store.create("y", expected_bytes=1)
    small.write(b"y")
    small.commit()
    assert len(store.list()) == 2


def test_a_snapshot_whose_name_is_in_a_bucket(object_store, sqlite_url, tmp_path):
    sample = SAMPLES["command"][0]
    sample.fill(sqlite_url)
    store = remote(object_store, tmp_path)
    order = make_request(sample, sqlite_url, tmp_path / "out", store=store)
    vault = Path(order.env["VAULT"])
    first = take_backup(order, "command")
    order = dataclasses.replace(order, now=order.now + timedelta(hours=1))
    second = take_backup(order, "command")
    assert second.verified.endswith("(sum of the copy), checksum read back from the store")
    assert len(store.list()) == len(list(vault.iterdir())) == 4
    found = take_inventory(store, "production").backups
    for manifest in found:
        verify_backup(manifest, store, env=order.env, options=order.options)
    rules = PruneRequest(
        store=store,
        environment="production",
        keep=1,
        keep_days=None,
        now=order.now,
        options=order.options,
        env=order.env,
    )
    # While the snapshot of the newer one is away, the older one is all there is.
    away = vault / read(store, found[1].archive).decode().strip()
    away.rename(tmp_path / "away")
    surplus = prune_backups(rules)
    assert (surplus.backups, len(surplus.spoilt)) == ((), 1)
    (tmp_path / "away").rename(away)
    surplus = prune_backups(rules)
    assert ([one.location for one in surplus.backups], surplus.spoilt) == ([first.location], ())
    assert len(store.list()) == len(list(vault.iterdir())) == 2

    (vault / read(store, found[1].archive).decode().strip()).unlink()
    with pytest.raises(BackupError, match="verify` failed for the snapshot"):
        verify_backup(found[1], store, env=order.env, options=order.options)

    # What is refused while the name is on its way takes the snapshot back.
    before = sorted(vault.iterdir())
    refused = remote(object_store, tmp_path, key=READ_ONLY[0], secret=READ_ONLY[1])
    with pytest.raises(BackupError):
        take_backup(dataclasses.replace(order, store=refused), "command")
    assert sorted(vault.iterdir()) == before


@pytest.mark.parametrize("kind", DUMPS)
def test_size_of_a_database_is_known(kind, request, tmp_path):
    sample, fixture = SAMPLES[kind]
    url = request.getfixturevalue(fixture)
    sample.fill(url)
    assert read_size(Database(url, root=tmp_path)) > 10_000


@pytest.mark.slow
def test_store_that_fills_up_is_told_and_holds_no_half_archive(sqlite_url, tmp_path):
    program = find_seaweed()
    if program is None:
        pytest.skip("SeaweedFS is not installed here")
    run_all(
        sqlite_url,
        "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 90) SELECT i, randomblob(1000000) b FROM n",
    )
    server = ObjectStoreServer(program, volumes=9)
    try:
        store = remote(server, tmp_path)
        order = make_request(
            SAMPLES["sqlite"][0], sqlite_url, tmp_path, store=store, tables=((None, "t"),)
        )
        with pytest.raises(BackupError, match="InternalError") as caught:
            take_backup(order, "auto")
        assert "full" in caught.value.next_step
        assert store.list() == ()
    finally:
        server.stop()


@pytest.mark.slow
def test_store_that_nobody_reaches_is_told(object_store, tmp_path):
    proxy = Proxy(object_store.port)
    proxy.refuse()
    store = remote(object_store, tmp_path, port=proxy.port)
    with pytest.raises(BackupError, match="reaching") as caught:
        store.exists("x")
    proxy.close()
    assert "reaches the store" in caught.value.next_step
