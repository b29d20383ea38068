"""Which client is taken: small real programs that answer `--version`."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_migrate.backup.backends.registry import choose_backend
from ci_migrate.backup.mysql_client import find_dump_program, read_release
from ci_migrate.backup.postgres_client import find_client
from ci_migrate.errors import BackupToolError, ConfigError


def write_client(folder: Path, said: str, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
    return folder


def write_postgres(folder: Path, version: str) -> Path:
    return write_client(folder, f"pg_dump (PostgreSQL) {version}", "pg_dump", "pg_restore")


@pytest.fixture
def places(tmp_path):
    for version in ("14.1", "16.4 (Debian 16.4-1)", "18beta1"):
        write_postgres(tmp_path / "lib" / version.split(".")[0][:2] / "bin", version)
    return (str(tmp_path / "lib" / "*" / "bin"),)


@pytest.mark.parametrize(
    ("major", "expected"), [(9, "14.1"), (14, "14.1"), (15, "16.4"), (16, "16.4"), (17, "18")]
)
def test_oldest_client_that_is_not_older_than_the_server(places, major, expected):
    assert find_client(f"{major}.0", major, {"PATH": "/nowhere"}, places).version == expected


def test_client_in_path_counts_too(tmp_path, places):
    folder = write_postgres(tmp_path / "own", "15.2")
    client = find_client("15.9", 15, {"PATH": f"/nowhere:{folder}"}, places)
    assert (client.version, client.directory) == ("15.2", folder)


def test_clients_that_are_of_no_use_are_passed_over(tmp_path):
    lonely = write_client(tmp_path / "lonely", "pg_dump (PostgreSQL) 15.1", "pg_dump")
    broken = write_client(tmp_path / "broken", "oops", "pg_dump", "pg_restore")
    chooser = write_client(tmp_path / "share", "pg_dump (PostgreSQL) 15.1", "pg_wrapper")
    (tmp_path / "chooser").mkdir()
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / "chooser" / name).symlink_to(chooser / "pg_wrapper")
    path = f"{lonely}:{broken}:{tmp_path / 'chooser'}"
    with pytest.raises(BackupToolError, match="was not found; looked in PATH") as caught:
        find_client("15.1", 15, {"PATH": path}, ())
    assert path in str(caught.value)
    assert "postgresql-client-15" in caught.value.next_step


def test_every_client_too_old_names_them_all(places, tmp_path):
    with pytest.raises(
        BackupToolError, match=r"older than the server \(PostgreSQL 19\.1\)"
    ) as caught:
        find_client("19.1", 19, {"PATH": ""}, places)
    for version in ("14.1", "16.4", "18 in", str(tmp_path)):
        assert version in str(caught.value)


@pytest.mark.parametrize(
    ("said", "release"),
    [
        (
            "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)",
            "10.11.19-MariaDB",
        ),
        ("mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux (x86_64)", "11.4.2-MariaDB"),
        (
            "mysqldump  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))",
            "8.0.36-0ubuntu0.22.04.1",
        ),
        ("mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)", "5.7.44"),
        ("nonsense", ""),
    ],
)
def test_release_of_a_dump_program(said, release):
    assert read_release(said) == release


MARIADB_10 = "mariadb-dump  Ver 10.19 Distrib 10.11.3-MariaDB, for Linux (x86_64)"
MARIADB_11 = "mariadb-dump from 11.8.2-MariaDB, client 10.19 for Linux (x86_64)"
MYSQL_8 = "mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)"


@pytest.fixture
def mysql_path(tmp_path):
    write_client(tmp_path / "a", MYSQL_8, "mysqldump")
    write_client(tmp_path / "b", MARIADB_10, "mariadb-dump", "mysqldump")
    write_client(tmp_path / "c", MARIADB_11, "mariadb-dump")
    return {"PATH": f"{tmp_path / 'a'}:{tmp_path / 'b'}:{tmp_path / 'c'}"}


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("10.11.19-MariaDB", "b/mariadb-dump"),  # the patch level makes no difference
        ("10.6.1-MariaDB-1:10.6.1+maria~ubu2004", "b/mariadb-dump"),
        ("11.4.2-MariaDB", "c/mariadb-dump"),
        ("8.0.40", "a/mysqldump"),
        ("8.4.0", "b/mariadb-dump"),  # MySQL's own is too old, MariaDB's is another family
    ],
)
def test_dump_program_of_the_servers_family(mysql_path, tmp_path, server, expected):
    assert find_dump_program(server, mysql_path).path == tmp_path / expected


def test_mysqls_program_does_not_dump_mariadb(tmp_path):
    write_client(tmp_path / "a", MYSQL_8, "mysqldump")
    with pytest.raises(BackupToolError, match=r"MariaDB 10\.11\.19.*8\.0\.36 at") as caught:
        find_dump_program("10.11.19-MariaDB", {"PATH": str(tmp_path / "a")})
    assert "mariadb-client" in caught.value.next_step


@pytest.mark.parametrize(
    ("name", "dialect", "expected"),
    [
        ("auto", "postgresql", "postgres"),
        ("auto", "mysql", "mysql"),
        ("auto", "sqlite", "sqlite"),
        ("none", "sqlite", "none"),
        ("postgres", "postgresql", "postgres"),
    ],
)
def test_backend_by_name(name, dialect, expected):
    assert choose_backend(name, dialect) == expected


@pytest.mark.parametrize(
    ("name", "dialect"), [("sqlite", "postgresql"), ("pgdump", "postgresql"), ("auto", "oracle")]
)
def test_backend_that_does_not_fit(name, dialect):
    with pytest.raises(ConfigError) as caught:
        choose_backend(name, dialect)
    assert name in str(caught.value)
    assert "auto" in caught.value.next_step
