"""The file with a password: private, gone afterwards, and swept by the next run where a kill left it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ci_migrate.backup.secret_file import secret_file
from ci_migrate.errors import BackupError

HOLD = """
import sys, time
from ci_migrate.backup.secret_file import secret_file
with secret_file("word", suffix=".pgpass", env={"RUNNER_TEMP": sys.argv[1]}) as path:
    print(path, flush=True)
    time.sleep(60)
"""


def use(place: Path, suffix: str = ".pgpass") -> Path:
    with secret_file("word", suffix=suffix, env={"RUNNER_TEMP": str(place)}) as path:
        assert path.read_text() == "word"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.parent == place
    return path


def age(path: Path) -> None:
    long_ago = time.time() - 1000
    os.utime(path, (long_ago, long_ago))


def test_it_is_gone_afterwards_also_after_a_failure(tmp_path: Path) -> None:
    assert not use(tmp_path).exists()
    env = {"RUNNER_TEMP": str(tmp_path)}
    with pytest.raises(ZeroDivisionError), secret_file("word", suffix=".cnf", env=env):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept_but_not_what_a_living_one_has(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, encoding="utf-8"
    ) as holder:
        assert holder.stdout is not None
        path = Path(holder.stdout.readline().strip())
        age(path)
        use(tmp_path)
        assert path.exists(), "a backup may last for hours"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert path.read_text() == "word"
    use(tmp_path, suffix=".cnf")
    assert path.exists(), "of another kind"
    use(tmp_path)
    assert not path.exists()


def test_files_of_others_and_new_ones_stay(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    others = [
        tmp_path / name for name in ("mine.pgpass", "ci-migrate-1.txt", "ci-migrate-2.pgpass")
    ]
    for path in others:
        path.write_text("mine")
    link = tmp_path / "ci-migrate-3.pgpass"
    link.symlink_to(target)
    for path in (target, *others[:2]):
        age(path)
    use(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        target.name, link.name, *(path.name for path in others)
    }  # fmt: skip


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(BackupError, match="writing the password file"):
        use(tmp_path)


def refuse(**_: object) -> None:
    raise PermissionError(13, "Permission denied")
