"""What the user's snapshot commands are given, how they are run, and what counts as a name."""

from __future__ import annotations

import os
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest

from ci_migrate.backup.archive import ArchiveSource
from ci_migrate.backup.backends.snapshot import LONGEST_NAME, read_snapshot
from ci_migrate.backup.command_environment import command_environment, spell_url
from ci_migrate.backup.command_run import run_and_hear
from ci_migrate.backup.request import Origin
from ci_migrate.database.address import DatabaseAddress
from ci_migrate.errors import BackupError, ProcessError

ENV = {"PATH": os.defpath}
ADDRESS = DatabaseAddress(
    dialect="postgresql", database="sh op", host="db", port=5433, user="a@b", password="p:w/d"
)


def run(code: str, tmp_path: Path, *, timeout: float | None = 20.0) -> tuple[str, list[str]]:
    heard: list[str] = []
    argv = [sys.executable, "-c", code]
    done = run_and_hear(argv, env=ENV, cwd=tmp_path, timeout=timeout, hear=heard.append)
    return done.stdout, heard


def test_output_is_kept_and_progress_is_heard(tmp_path: Path) -> None:
    code = (
        "import os, sys; print('half', file=sys.stderr); print(os.getcwd()); print(file=sys.stderr);"
        " print('whole', file=sys.stderr)"
    )
    assert run(code, tmp_path) == (f"{tmp_path}\n", ["half", "whole"])
    assert run("print('x')", tmp_path, timeout=None) == ("x\n", [])


def test_a_failure_has_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="exit code 3") as caught:
        run("import sys; print('why', file=sys.stderr); sys.exit(3)", tmp_path)
    assert (caught.value.returncode, caught.value.stderr) == (3, "why")


def test_a_limit_ends_a_command_and_what_it_started(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, time; p = subprocess.Popen(['sleep', '300']);"
        " open('pid', 'w').write(str(p.pid)); time.sleep(300)"
    )
    with pytest.raises(ProcessError, match="longer than 1 s") as caught:
        run(code, tmp_path, timeout=1.0)
    assert caught.value.returncode is None
    pid, deadline = int((tmp_path / "pid").read_text()), time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_what_is_left_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    code = "import subprocess; p = subprocess.Popen(['sleep', '300']); print(p.pid)"  # holds both outputs
    started = time.monotonic()
    out, _ = run(code, tmp_path, timeout=None)
    os.kill(int(out), 9)
    assert time.monotonic() - started < 60


def test_our_own_inputs_stay_ours_and_libpq_is_told(tmp_path: Path) -> None:
    env = {**ENV, "CI_MIGRATE_GITHUB_TOKEN": "t", "LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path)}
    origin = Origin(backup="b", environment="production", heads=("a", "b"), dialect="postgresql")
    with command_environment(origin, ADDRESS, env=env, more={"CI_MIGRATE_ACTION": "take"}) as found:
        assert (found["PGHOST"], found["PGPORT"], found["PGUSER"]) == ("db", "5433", "a@b")
        assert Path(found["PGPASSFILE"]).read_text() == "*:*:*:*:p\\:w/d\n"
        assert (found["LC_ALL"], found["CI_MIGRATE_HEADS"]) == ("C.UTF-8", "a b")
        assert "CI_MIGRATE_GITHUB_TOKEN" not in found
        place = Path(found["PGPASSFILE"])
    assert not place.exists()
    with command_environment(origin, None, env=ENV, more={}) as found:
        assert not [name for name in found if name.startswith("PG") or "PASSWORD" in name]
        assert "LC_ALL" not in found


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (ADDRESS, "postgresql://a%40b:p%3Aw%2Fd@db:5433/sh%20op"),
        (
            DatabaseAddress(
                dialect="postgresql",
                database="shop",
                host="/run/pg",
                user="app",
                options={"sslmode": "require"},
            ),
            "postgresql://app@/shop?sslmode=require&host=%2Frun%2Fpg",
        ),
        (
            DatabaseAddress(dialect="mysql", database="shop", socket="/run/my", user="app"),
            "mysql://app@localhost/shop?socket=%2Frun%2Fmy",
        ),
        (DatabaseAddress(dialect="mysql", database="shop", host="::1"), "mysql://[::1]/shop"),
        (DatabaseAddress(dialect="sqlite", database="/srv/x.db"), "sqlite:////srv/x.db"),
    ],
)
def test_the_url_is_what_other_clients_read(address: DatabaseAddress, url: str) -> None:
    assert spell_url(address) == url


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n", b"no end", b"two\nlines\n", b"-rf\n", b" x\n", b"x\x00y\n", b"\xff\xfe\n",
        b"x\x1b[31m\n", b"x" * (LONGEST_NAME + 1) + b"\n", b"x" * (1 << 20),
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_snapshot(content: bytes, tmp_path: Path) -> None:
    source = ArchiveSource(file=BytesIO(content), path=None, scratch=tmp_path)
    with pytest.raises(BackupError, match="not the name of a snapshot"):
        read_snapshot("x.snapshot", source)


@pytest.mark.parametrize("name", ["snap@2026", "arn:aws:rds:eu:1:snapshot:x", "ü", "a b"])
def test_what_is_a_name_of_a_snapshot(name: str, tmp_path: Path) -> None:
    content = f"{name}\n".encode()
    source = ArchiveSource(file=BytesIO(content), path=None, scratch=tmp_path)
    assert read_snapshot("x.snapshot", source) == name
