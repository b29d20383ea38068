"""MariaDB: passwords, foreign option files, long rows, odd clients."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.take import take_backup
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError, BackupToolError
from tests.integration.backup.backup_samples import (
    MariadbSample,
    holding,
    make_request,
    read,
    run_all,
)

pytestmark = pytest.mark.newest

PASSWORDS = ("p%@/:+ $'\"\\#ü☃x", " lead\\ntrail ", "'quoted'", "\"both'", "# all comment", "\\")
SAMPLE = MariadbSample()


def login(url: str, password: str, *, tcp: bool, rights: str = "ALL"):
    """Create a role with a password and return the URL in which it logs in."""
    name = f"odd #role ü {os.getpid()}"
    database = make_url(url).database
    literal = password.replace("\\", "\\\\").replace("'", "''")
    host = "%" if tcp else "localhost"
    run_all(
        url,
        f"CREATE OR REPLACE USER `{name}`@`{host}` IDENTIFIED BY '{literal}'",
        f"GRANT {rights} ON `{database}`.* TO `{name}`@`{host}`",
    )
    parts = make_url(url).set(username=name, password=password)
    if tcp:
        port = int(read(url, "SELECT @@port")[0][0])
        parts = parts.set(host="127.0.0.1", port=port).difference_update_query(["unix_socket"])
    return parts


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("tcp", [True, False])
def test_awkward_password_reaches_the_server(mariadb_url, tmp_path, password, tcp):
    run_all(mariadb_url, "CREATE TABLE t (i int)")
    address = address_of(login(mariadb_url, password, tcp=tcp))
    env = {**os.environ, "MYSQL_PWD": "wrong", "RUNNER_TEMP": str(tmp_path)}
    request = make_request(
        SAMPLE, mariadb_url, tmp_path / "out", address=address, env=env, tables=((None, "t"),)
    )
    take_backup(request, "auto")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def test_wrong_password_is_told_without_it(mariadb_url, tmp_path):
    parts = login(mariadb_url, "right", tcp=True).set(password="wrong-secret-word")
    request = make_request(SAMPLE, mariadb_url, tmp_path / "out", address=address_of(parts))
    with pytest.raises(BackupError, match="Access denied") as caught:
        take_backup(request, "auto")
    assert "wrong-secret-word" not in str(caught.value)
    assert "password" in caught.value.next_step
    assert list((tmp_path / "out").iterdir()) == []


def test_role_without_enough_rights_is_told_what_to_grant(mariadb_url, tmp_path):
    SAMPLE.fill(mariadb_url)
    address = address_of(login(mariadb_url, "right", tcp=True, rights="SELECT"))
    request = make_request(SAMPLE, mariadb_url, tmp_path / "out", address=address)
    with pytest.raises(BackupError) as caught:
        take_backup(request, "auto")
    assert "Grant" in caught.value.next_step
    assert list((tmp_path / "out").iterdir()) == []


def test_process_arguments_hold_no_secret(mariadb_url, tmp_path):
    run_all(mariadb_url, "CREATE TABLE held (i int)")
    address = address_of(login(mariadb_url, PASSWORDS[0], tcp=True))
    request = make_request(SAMPLE, mariadb_url, tmp_path / "out", address=address, tables=())
    done = []
    thread = threading.Thread(target=lambda: done.append(take_backup(request, "auto")))
    with holding(mariadb_url, "LOCK TABLES held WRITE"):
        thread.start()
        arguments = wait_for_dump(address.database)
    thread.join(timeout=60)
    assert done
    assert PASSWORDS[0] not in arguments
    assert "role" not in arguments


def wait_for_dump(database: str) -> str:
    for _ in range(400):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if "mariadb-dump" in arguments and arguments.endswith(f"\0{database}\0"):
                options = arguments.partition("--defaults-file=")[2].partition("\0")[0]
                assert Path(options).stat().st_mode & 0o777 == 0o600
                return arguments
        time.sleep(0.02)
    raise AssertionError("mariadb-dump was not seen")


def test_options_of_the_users_own_file_do_not_thin_out_the_dump(mariadb_url, tmp_path):
    SAMPLE.fill(mariadb_url)
    before = SAMPLE.rows(mariadb_url)
    (tmp_path / ".my.cnf").write_text("[mysqldump]\nno-data\nskip-comments\n[client]\npassword=x\n")
    env = {**os.environ, "HOME": str(tmp_path)}
    request = make_request(SAMPLE, mariadb_url, tmp_path / "out", env=env)
    restored = SAMPLE.restore(mariadb_url, Path(take_backup(request, "auto").location))
    try:
        assert SAMPLE.rows(restored) == before
    finally:
        SAMPLE.forget(mariadb_url, restored)


def test_option_file_named_in_the_url_is_read(mariadb_url, tmp_path):
    run_all(mariadb_url, "CREATE TABLE t (i int)")
    parts = login(mariadb_url, "from-a-file", tcp=True)
    (tmp_path / "my.cnf").write_text(
        f'[client]\nuser="{parts.username}"\npassword="from-a-file"\n', encoding="utf-8"
    )
    named = parts.set(username=None, password=None).update_query_dict(
        {"read_default_file": "~/my.cnf"}
    )
    env = {**os.environ, "HOME": str(tmp_path)}
    request = make_request(
        SAMPLE, mariadb_url, tmp_path / "out", address=address_of(named), env=env, tables=()
    )
    take_backup(request, "auto")


def test_database_name_that_looks_like_an_option(mariadb_url, tmp_path):
    name = f"--all-databases `{os.getpid()}"
    quoted = "`" + name.replace("`", "``") + "`"
    run_all(mariadb_url, f"CREATE DATABASE {quoted}", f"CREATE TABLE {quoted}.t (i int)")
    address = address_of(make_url(mariadb_url).set(database=name))
    request = make_request(
        SAMPLE, mariadb_url, tmp_path / "out", address=address, tables=((None, "t"),)
    )
    try:
        archive = Path(take_backup(request, "auto").location)
    finally:
        run_all(mariadb_url, f"DROP DATABASE {quoted}")
    assert b"CREATE DATABASE" not in archive.read_bytes()


def test_row_of_many_megabytes(mariadb_url, tmp_path):
    run_all(mariadb_url, "CREATE TABLE big (b longblob)")
    size = int(read(mariadb_url, "SELECT @@max_allowed_packet")[0][0]) // 2 - 1024
    run_all(mariadb_url, f"INSERT INTO big VALUES (repeat(x'ff', {size}))")
    request = make_request(SAMPLE, mariadb_url, tmp_path / "out", tables=((None, "big"),))
    assert take_backup(request, "auto").bytes > 2 * size


def test_missing_client(mariadb_url, tmp_path):
    env = {"PATH": str(tmp_path)}
    request = make_request(SAMPLE, mariadb_url, tmp_path / "out", env=env)
    with pytest.raises(
        BackupToolError, match="neither mariadb-dump nor mysqldump was found"
    ) as caught:
        take_backup(request, "auto")
    assert str(tmp_path) in str(caught.value)
    assert "apt-get install mariadb-client" in caught.value.next_step
    assert not (tmp_path / "out").exists()


def test_server_newer_than_the_client(mariadb_url, tmp_path):
    request = make_request(
        SAMPLE, mariadb_url, tmp_path / "out", server_version="99.4.1-MariaDB", server_major=99
    )
    with pytest.raises(BackupToolError, match=r"99\.4\.1-MariaDB"):
        take_backup(request, "auto")
    assert not (tmp_path / "out").exists()
