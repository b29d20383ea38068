"""Snapshots of RDS against a server that knows its operations, quotas, signatures and policies."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.archive import ArchiveSource
from ci_migrate.backup.backends.registry import BACKENDS
from ci_migrate.backup.checksum import read_checksum
from ci_migrate.backup.inventory import take_inventory
from ci_migrate.backup.manifest import Manifest
from ci_migrate.backup.prune import PruneRequest, prune_backups
from ci_migrate.backup.rds_kinds import INSTANCE
from ci_migrate.backup.rds_source import check_source
from ci_migrate.backup.removal import remove_backup
from ci_migrate.backup.request import BackupOptions, BackupRequest, RestoreRequest
from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.backup.take import take_backup
from ci_migrate.backup.verify import verify_backup
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError
from ci_migrate.models import Backup
from tests.integration.backup.backup_samples import NOW, rds_settings
from tests.servers.private_server import find_free_port
from tests.servers.rds import EVERYTHING, QUOTA, REGION, RdsServer

boto3 = pytest.importorskip("boto3")
pytestmark = pytest.mark.newest
NAME = "production-20260304T050607Z-01234567"
SNAPSHOT = f"ci-migrate-{NAME.lower()}"


class Account:
    """An RDS, and an order for one backup of an instance in it; no database is asked."""

    def __init__(self, rds: RdsServer, folder: Path) -> None:
        self.rds, self.folder = rds, folder
        self.told: list[str] = []
        self.host = "127.0.0.1"

    def order(self, *, env: dict[str, str] | None = None, **settings) -> BackupRequest:
        url = make_url(f"postgresql://app:hunter22@{self.host}/shop")
        return BackupRequest(
            environment="production",
            run_id="0123456789abcdef",
            address=address_of(url),
            server_version="15.18",
            server_major=15,
            tables=(("public", "a"),),
            heads=("abc123", "def456"),
            store=LocalStore(self.folder / "store"),
            options=BackupOptions(rds=rds_settings(**settings)),
            env={"PATH": os.defpath, **(self.rds.env() if env is None else env)},
            now=NOW,
            tell=self.told.append,
        )

    def take(self, **changes) -> Backup:
        return take_backup(self.order(**changes), "rds")

    def refuse(self, **changes) -> BackupError:
        """Take a backup that must fail and leave nothing, and return why."""
        with pytest.raises(BackupError) as caught:
            self.take(**changes)
        assert caught.value.next_step
        store = self.folder / "store"
        assert not store.exists() or list(store.iterdir()) == []
        return caught.value

    @property
    def manifest(self) -> Manifest:
        return take_inventory(self.order().store, "production").backups[-1]

    def verify(self, manifest: Manifest | None = None, **settings) -> str:
        order = self.order(**settings)
        manifest = manifest or self.manifest
        return verify_backup(manifest, order.store, env=order.env, options=order.options)

    def forge(self, content: str) -> Manifest:
        """Put another content into the archive, with a manifest that fits."""
        manifest = self.manifest
        archive = self.folder / "store" / manifest.archive
        archive.write_text(content)
        with archive.open("rb") as file:
            checksum = read_checksum(file)
        return dataclasses.replace(manifest, stored=checksum, plain=checksum)

    def prune(self, **settings) -> tuple[str, ...]:
        order = self.order(**settings)
        rules = PruneRequest(
            store=order.store,
            environment="production",
            keep=1,
            keep_days=None,
            now=NOW,
            options=order.options,
            env=order.env,
        )
        return tuple(manifest.location for manifest in prune_backups(rules).backups)

    @property
    def snapshots(self) -> list[str]:
        found = self.rds.client().describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        return [item["DBSnapshotIdentifier"] for item in found]


@pytest.fixture
def account(rds: RdsServer, tmp_path: Path) -> Account:
    """Return an account with an instance `shop`."""
    rds.make_instance("shop")
    return Account(rds, tmp_path)


def test_a_snapshot_is_waited_for_and_says_what_it_is(account: Account) -> None:
    account.rds.statuses = ["creating 10", "creating 60"]
    backup = account.take()
    assert backup.verified.startswith(f"snapshot {SNAPSHOT} of instance shop is available, 20 GB, ")
    (found,) = account.rds.client().describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert Path(backup.location).read_text() == f"{found['DBSnapshotArn']}\n"
    assert {tag["Key"]: tag["Value"] for tag in found["TagList"]} == {
        "ci-migrate:environment": "production",
        "ci-migrate:backup": NAME,
        "ci-migrate:run": "0123456789abcdef",
        "ci-migrate:heads": "abc123 def456",
    }
    assert f"snapshot {SNAPSHOT} of instance shop was begun" in account.told
    (first,) = (told for told in account.told if "creating, 10 %" in told)
    assert re.fullmatch(rf"snapshot {SNAPSHOT}: creating, 10 %, after \d+ s", first)
    assert account.rds.actions.count("DescribeDBSnapshots") == 4
    assert account.verify().endswith(", checksum re-read")
    assert (
        "hunter22" not in str(account.told) + Path(backup.location).with_suffix(".json").read_text()
    )


@pytest.mark.slow
def test_a_cluster_has_snapshots_as_a_whole(rds: RdsServer, tmp_path: Path) -> None:
    account = Account(rds, tmp_path)
    cluster = rds.make_cluster("aurora")
    account.host = cluster["ReaderEndpoint"]
    backup = account.take(instance="", cluster="aurora")
    assert f"snapshot {SNAPSHOT} of cluster aurora is available" in backup.verified
    assert ":cluster-snapshot:" in Path(backup.location).read_text()
    assert account.verify(instance="", cluster="aurora")
    account.host = cluster["Endpoint"].replace("aurora.cluster-", "aurora-1.")
    account.take(instance="", cluster="aurora")
    assert [line for line in account.told if "cannot be seen" in line] == []
    assert len(account.prune(instance="", cluster="aurora")) == 1
    assert (
        len(rds.client().describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"])
        == 1
    )


def test_a_member_of_a_cluster_is_refused(rds: RdsServer, tmp_path: Path) -> None:
    rds.make_cluster("aurora")
    error = Account(rds, tmp_path).refuse(instance="aurora-1")
    assert "belongs to the cluster aurora" in error.message
    assert "backup.rds.cluster: aurora" in error.next_step


def test_a_snapshot_that_fails_is_no_backup_and_does_not_stay(account: Account) -> None:
    account.rds.statuses = ["creating", "failed"]
    error = account.refuse()
    assert "its status is failed" in error.message
    assert account.snapshots == []


def test_a_snapshot_that_takes_too_long_is_no_backup(account: Account) -> None:
    account.rds.statuses = ["creating 7"] * 99
    error = account.refuse(seconds=2.0)
    assert "not available within 2 s: creating, 7 %" in error.message
    assert "backup.rds.timeout" in error.next_step


@pytest.mark.slow
def test_an_instance_that_is_busy_is_waited_for(account: Account) -> None:
    account.rds.busy = 2  # as in the minutes of its own nightly backup
    account.take()
    assert account.rds.actions.count("CreateDBSnapshot") == 3
    assert any(re.fullmatch(r"instance shop: available, after \d+ s", t) for t in account.told)

    account.rds.reset()
    account.rds.make_instance("shop")
    account.rds.client().stop_db_instance(DBInstanceIdentifier="shop")
    account.rds.busy = 99
    with pytest.raises(BackupError, match="takes no snapshot: its status is stopped"):
        account.take()
    account.rds.client().start_db_instance(DBInstanceIdentifier="shop")
    with pytest.raises(BackupError, match="takes no snapshot: its status is available"):
        account.take(seconds=2.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("gone", "is gone"),
        ("failed", "has the status failed"),
        ("deleting", "has the status deleting"),
        ("other instance", "is of instance other, not shop"),
        ("other backup", "its tags do not name this backup"),
        ("cluster", "it is a snapshot of a cluster"),
        ("region", "its snapshot is in us-east-1"),
        ("no arn", "not the ARN of a snapshot"),
        ("later", "before the backup began"),
        ("other settings", "is of instance shop, not other"),
    ],
)
def test_what_is_no_backup_any_more_is_found(account: Account, damage: str, message: str) -> None:
    account.take()
    client, arn = account.rds.client(), f"arn:aws:rds:{REGION}:123456789012"
    manifest, settings = account.manifest, {}
    if damage == "gone":
        client.delete_db_snapshot(DBSnapshotIdentifier=SNAPSHOT)
    elif damage in {"failed", "deleting"}:
        account.rds.statuses = [damage]
    elif damage == "later":
        later = manifest.finished[:2] + "99" + manifest.finished[4:]
        manifest = dataclasses.replace(manifest, started=later)
    elif damage == "other settings":
        account.rds.make_instance("other")
        settings = {"instance": "other"}
    else:
        account.rds.make_instance("other")
        client.create_db_snapshot(DBInstanceIdentifier="other", DBSnapshotIdentifier="theirs")
        client.create_db_snapshot(DBInstanceIdentifier="shop", DBSnapshotIdentifier="before")
        content = {
            "other instance": f"{arn}:snapshot:theirs\n",
            "other backup": f"{arn}:snapshot:before\n",
            "cluster": f"{arn}:cluster-snapshot:theirs\n",
            "region": f"arn:aws:rds:us-east-1:123456789012:snapshot:{SNAPSHOT}\n",
            "no arn": f"{SNAPSHOT}\n",
        }
        manifest = account.forge(content[damage])
    with pytest.raises(BackupError, match=message) as caught:
        account.verify(manifest, **settings)
    assert caught.value.next_step


def test_the_server_of_the_url_must_be_the_instance(account: Account) -> None:
    account.take()
    assert (
        "it cannot be seen that the instance shop is the server behind 127.0.0.1" in account.told[0]
    )
    shop = account.rds.client().describe_db_instances(DBInstanceIdentifier="shop")["DBInstances"][0]
    address = dataclasses.replace(account.order().address, host=shop["Endpoint"]["Address"])
    assert check_source(INSTANCE, "shop", shop, address) == ""
    for host in ("other.aaaaaaaaaa.eu-west-1.rds.amazonaws.com", "x.rds.amazonaws.com.cn"):
        with pytest.raises(BackupError, match="not the server of the environment's url"):
            check_source(INSTANCE, "shop", shop, dataclasses.replace(address, host=host))
    for host in ("p.proxy-abc.eu-west-1.rds.amazonaws.com", "db.internal", "", "/run/pg"):
        assert check_source(INSTANCE, "shop", shop, dataclasses.replace(address, host=host))
    with pytest.raises(BackupError, match="its engine is postgres"):
        check_source(INSTANCE, "shop", shop, dataclasses.replace(address, dialect="mysql"))


def test_an_instance_that_is_not_there(account: Account) -> None:
    error = account.refuse(instance="shpo")
    assert "DBInstanceNotFound" in error.message
    assert "backup.rds" in error.next_step
    assert account.refuse(instance="", cluster="shop").message.count("DBClusterNotFound")


def test_the_quota_of_snapshots_is_told(account: Account) -> None:
    for number in range(QUOTA - 1):  # the server has an automated one, too
        account.rds.client().create_db_snapshot(
            DBInstanceIdentifier="shop", DBSnapshotIdentifier=f"s{number}"
        )
    error = account.refuse()
    assert "SnapshotQuotaExceeded" in error.message
    assert "backup.keep" in error.next_step


def test_a_missing_right_is_told_before_and_after(account: Account) -> None:
    allowed = {"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"}
    may_look = {**EVERYTHING, "Statement": [allowed]}
    login = account.rds.make_user(may_look)
    error = account.refuse(env=account.rds.env(login))
    assert "refused to create db snapshot: AccessDenied" in error.message
    assert "rds:CreateDBSnapshot" in error.next_step


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["key", "secret"])
def test_credentials_that_aws_does_not_take(account: Account, wrong: str) -> None:
    login = account.rds.make_user(EVERYTHING)
    account.take(env=account.rds.env(login))
    for path in (account.folder / "store").iterdir():
        path.unlink()
    bad = dataclasses.replace(login, **{wrong: "AKIAWRONGWRONGWRONG"})
    error = account.refuse(env=account.rds.env(bad))
    assert "refused to describe db instances" in error.message
    assert "Give credentials that AWS takes" in error.next_step
    assert login.secret not in error.message


@pytest.mark.slow
def test_without_credentials_region_or_server(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = account.rds.env()
    # The library looks for the rest of the credentials in this process's own environment.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bare = {name: text for name, text in env.items() if "KEY" not in name}
    error = account.refuse(env=bare)
    assert "there are no credentials for AWS" in error.message
    assert "configure-aws-credentials" in error.next_step

    error = account.refuse(region="")
    assert "region of the RDS instance is not known" in error.message
    assert "AWS_REGION" in error.next_step
    assert account.take(env={**env, "AWS_REGION": REGION}, region="").backend == "rds"

    for path in (account.folder / "store").iterdir():
        path.unlink()
    assert "not known" in account.refuse(region="eu west").message
    nobody = {**env, "AWS_ENDPOINT_URL_RDS": f"http://127.0.0.1:{find_free_port()}"}
    error = account.refuse(env=nobody)
    assert f"RDS in {REGION} did not answer" in error.message


def test_the_endpoint_of_a_store_is_not_that_of_rds(account: Account) -> None:
    account.take(env={**account.rds.env(), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})


@pytest.mark.slow
def test_old_snapshots_go_and_those_of_others_stay(account: Account) -> None:
    first = account.take()
    account.rds.client().create_db_snapshot(
        DBInstanceIdentifier="shop", DBSnapshotIdentifier="by-hand"
    )
    order = dataclasses.replace(account.order(), now=NOW + timedelta(hours=1))
    second = take_backup(order, "rds")
    assert account.prune() == (first.location,)
    assert len(account.snapshots) == 2
    assert SNAPSHOT not in account.snapshots

    # Somebody let the archive of an old backup name a snapshot that is not its own.
    third = take_backup(dataclasses.replace(order, now=NOW + timedelta(hours=2)), "rds")
    archive, manifest = Path(second.location), take_inventory(order.store, "production").backups[0]
    archive.write_text(f"arn:aws:rds:{REGION}:123456789012:snapshot:by-hand\n")
    with pytest.raises(BackupError, match="by-hand was not deleted: its tags") as caught:
        remove(account, manifest)
    assert caught.value.next_step
    assert "by-hand" in account.snapshots
    assert Path(third.location).exists()


def remove(account: Account, manifest: Manifest) -> None:
    """Give a backup up whose archive was changed together with its checksums."""
    order = account.order()
    with (account.folder / "store" / manifest.archive).open("rb") as file:
        checksum = read_checksum(file)
    forged = dataclasses.replace(manifest, stored=checksum, plain=checksum)
    remove_backup(forged, order.store, order.options, env=order.env)


def test_a_snapshot_that_is_gone_already_is_no_failure(account: Account) -> None:
    account.take()
    account.rds.client().delete_db_snapshot(DBSnapshotIdentifier=SNAPSHOT)
    remove(account, account.manifest)
    assert list((account.folder / "store").iterdir()) == []


def test_without_settings_the_backup_cannot_be_looked_at(account: Account) -> None:
    account.take()
    order = account.order()
    with pytest.raises(BackupError, match=r"has no `backup\.rds`"):
        verify_backup(account.manifest, order.store, env=order.env)


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_the_instructions_bring_a_snapshot_back(account: Account, kind: str) -> None:
    """Each command is an operation of RDS with parameters that it knows; carried out, they swap the names."""
    settings = {}
    if kind == "cluster":
        account.rds.make_cluster("shop")
        settings = {"instance": "", "cluster": "shop"}
    account.take(**settings)
    order = account.order(**settings)
    request = RestoreRequest(
        tools={},
        env=order.env,
        options=order.options,
        origin=account.manifest.origin,
        replaces=True,
    )
    archive = account.folder / "store" / account.manifest.archive
    with archive.open("rb", buffering=0) as file, pytest.raises(BackupError) as caught:
        source = ArchiveSource(file=file, path=archive, scratch=account.folder)
        BACKENDS["rds"].restore_archive(request, source, order.address)
    assert f"it becomes a new {kind} beside shop. Nothing was changed" in caught.value.message
    commands = [line.strip() for line in caught.value.next_step.splitlines() if line[:2] == "  "]
    assert commands[-1] == "ci-migrate ledger reconcile --environment production --write"
    for command in commands[:-1]:
        carry_out(account.rds.client(), command)
    describe = getattr(account.rds.client(), f"describe_db_{kind}s")
    names = [item[f"DB{kind.title()}Identifier"] for item in describe()[f"DB{kind.title()}s"]]
    assert {"shop", "shop-before"} <= set(names)
    assert "shop-restored" not in names


def carry_out(client, command: str) -> None:
    """Do what a command line of AWS says, with its library."""
    from botocore import xform_name

    words = shlex.split(command)
    assert words[:2] == ["aws", "rds"]
    if words[2] == "wait":
        name, words = words[3], words[4:]
        operation = "DescribeDBClusters" if "cluster" in name else "DescribeDBInstances"
        call = client.get_waiter(name.replace("-", "_")).wait
    else:
        name, words = words[2].replace("-", "_"), words[3:]
        operation, call = client.meta.method_to_api_mapping[name], getattr(client, name)
    members = client.meta.service_model.operation_model(operation).input_shape.members
    keys = {xform_name(member).replace("_", "-"): member for member in members}
    given: dict[str, object] = {}
    for word in words:
        option, _, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            given["VpcSecurityGroupIds"].append(word)
        elif option == "vpc-security-group-ids":
            given["VpcSecurityGroupIds"] = []
        elif option == "apply-immediately":
            given["ApplyImmediately"] = True
        elif option != "region":
            given[keys[option]] = value
    if "waiter" in str(call):
        given["WaiterConfig"] = {"Delay": 1, "MaxAttempts": 5}
    call(**given)
