"""Copies of a whole MariaDB server: only where its files are, and brought back by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci_migrate.backup.mariadb_copy import missing_in_copy
from tests.integration.promote.database import read_tables, run_statements
from tests.integration.restore.asking import restore, say
from tests.projects_builder import copy_project
from tests.projects_changes import add_revision
from tests.promotion import promote

pytestmark = pytest.mark.newest
CHECK = """
import os, sys
from pathlib import Path
from ci_migrate.backup.backends.mariadb_backup import check_tools
from ci_migrate.errors import BackupToolError
from tests.integration.backup.backup_samples import SAMPLES, make_request
try:
    check_tools(make_request(SAMPLES["mariadb-backup"][0], sys.argv[1], Path(sys.argv[2])))
except BackupToolError as exc:
    print(exc.message, exc.next_step)
"""


@pytest.mark.slow
def test_a_promotion_copies_the_server_and_a_restore_shows_the_commands(
    mariadb_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    settings = {"backup": {"backend": "mariadb-backup"}}
    first = promote(project, mariadb_url, **settings)
    assert first.outcome == "promoted", first.output
    add_revision(project, "aa11aa11aa11")
    second = promote(project, mariadb_url, **settings)
    assert "in the copy of the server, which was prepared" in second.result["backup"]["verified"]
    run_statements(mariadb_url, ["CREATE TABLE later (id int)"])
    ran = restore(project, mariadb_url, "--confirm", "dev")
    assert (ran.exit_code, ran.outcome) == (4, "failed"), ran.output
    told = ran.result["error"]["next"]
    assert f"mbstream -x -C copy < {second.result['backup']['location']}" in told
    assert "mariadb-backup --copy-back --target-dir=copy --datadir=" in told
    assert "later" in read_tables(mariadb_url)
    code, output = say(project, mariadb_url, "backup", "verify", "--all")
    assert (code, output.count("good ")) == (0, 2), output


def test_the_files_of_a_server_elsewhere_are_not_taken_for_those_here(
    mariadb_url: str, tmp_path: Path
) -> None:
    """The machine gets another name: the server goes on with its own."""
    renamed = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if subprocess.run([*renamed, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not give the machine another name")
    argv = [*renamed, sys.executable, "-c", CHECK, mariadb_url, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert f"are on {os.uname().nodename}; this machine is elsewhere" in done.stdout, done
    assert "backend: mysql" in done.stdout


def test_a_trial_of_a_copy_is_refused_in_the_configuration(
    mariadb_url: str, tmp_path: Path
) -> None:
    project = copy_project("linear", tmp_path / "work")
    ran = promote(project, mariadb_url, backup={"backend": "mariadb-backup"}, rehearse=True)
    assert ran.exit_code == 2, ran.output
    assert "cannot be loaded into a scratch database" in ran.output


def test_tables_are_found_by_the_names_of_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "my@0020shop"
    folder.mkdir()
    for name in ("orders", "leer@0020@1o", "a@0025b"):
        (folder / f"{name}.frm").touch()
    tables = ((None, "orders"), (None, "leer ü"), (None, "a%b"), (None, "order"), (None, "a.b"))
    assert missing_in_copy(tmp_path, "my shop", tables) == ((None, "order"), (None, "a.b"))
    assert missing_in_copy(tmp_path, "shop", tables[:1]) == tables[:1]
