"""A restore that ends in its middle: the next command says what is in the database and how to go on."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.faults.conftest import Record
from tests.faults.stock import wait_until
from tests.integration.promote.database import query, read_tables, run_statements
from tests.integration.restore.asking import restore, say
from tests.projects_builder import Project, copy_project
from tests.promotion import environment, promote, tool
from tests.servers.postgres import PostgresServer

ROW = "INSERT INTO users (email, full_name) VALUES ('{0}@example.com', 'person {0}')"
KINDS = ("postgres", "mariadb", "sqlite")
HALF = """#!/bin/sh
# The client, but for its input: half of it, and then nothing more for a long time.
case "$*" in *--version*|*--execute=*) exec {program} "$@" ;; esac
{{ head -c {size}; touch {reached}; sleep 600; }} | {program} "$@"
"""


class Case:
    """A promoted project with a backup, and a client that stops in the middle of loading it."""

    def __init__(self, kind: str, url: str, folder: Path, bindir: Path | None) -> None:
        self.kind, self.url = kind, url
        self.project: Project = copy_project("linear", folder / "work")
        ran = promote(self.project, url)
        assert ran.outcome == "promoted", ran.output
        run_statements(url, [ROW.format(number) for number in range(20)])
        if kind == "sqlite":
            run_statements(url, ["CREATE TABLE bulk (b blob)"])
            run_statements(
                url,
                [
                    (
                        "INSERT INTO bulk WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                        " WHERE i < 200) SELECT randomblob(1000000) FROM n"
                    )
                ],
            )
        code, output = say(self.project, url, "backup", "take")
        assert code == 0, output
        run_statements(url, ["DELETE FROM users", "CREATE TABLE later (id integer)"])
        self.reached = folder / "reached"
        self.tools = folder / "tools"
        self.tools.mkdir()
        program = {"postgres": bindir and bindir / "psql", "mariadb": Path("/usr/bin/mariadb")}
        if real := program.get(kind):
            script = self.tools / real.name
            script.write_text(HALF.format(program=real, size=5000, reached=self.reached))
            script.chmod(0o755)
        for name in ("pg_dump", "pg_restore") if bindir and kind == "postgres" else ():
            (self.tools / name).symlink_to(bindir / name)  # type: ignore[operator]

    @property
    def is_in_the_middle(self) -> bool:
        if self.kind == "sqlite":
            path = Path(str(sa.engine.make_url(self.url).database) + "-journal")
            return path.exists() and path.stat().st_size > 1_000_000
        # MariaDB's client may not have come to it when its input has.
        is_begun = self.kind != "mariadb" or "later" not in read_tables(self.url)
        return self.reached.exists() and is_begun

    def stop_in_the_middle(self, number: signal.Signals) -> str:
        """Start a restore, send it the signal in its middle, and return what it said."""
        path = f"{self.tools}:{environment()['PATH']}"
        argv = [*tool(), "backup", "restore", "--environment", "dev", "--confirm", "dev"]
        with subprocess.Popen(
            argv,
            cwd=self.project.path,
            env=environment({"CIM_URL": self.url, "PATH": path}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            wait_until(
                lambda: self.is_in_the_middle or process.poll() is not None, 60, "the middle"
            )
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        assert process.returncode in {-9, 5, 6, 130}, (process.returncode, output)
        return output


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """One for each kind of database."""
    url = request.getfixturevalue(f"{request.param}_url")
    bindir = None
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        bindir = server.bindir
    yield Case(request.param, url, tmp_path, bindir)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_next_command_knows_of_a_restore_that_was_cut_off(
    case: Case, number: signal.Signals, record_fault: Record
) -> None:
    output = case.stop_in_the_middle(number)
    chosen = output.partition("choose   ")[2].partition(",")[0]
    before = sorted(path.name for path in (case.project.path / ".ci-migrate/backups").iterdir())
    is_half = case.kind == "mariadb"
    if number == signal.SIGTERM:
        assert ("holds a part" if is_half else "is as it was") in output, output
        assert f"restore --environment dev {chosen}" in output, output
    if is_half:
        assert "later" not in read_tables(case.url)
        assert f"a restore of {chosen}" in say(case.project, case.url, "status")[1]
        after = promote(case.project, case.url)
        assert (after.exit_code, after.outcome) == (3, "blocked"), after.output
        assert f"restore --environment dev {chosen}" in after.result["error"]["next"]
        assert say(case.project, case.url, "backup", "take")[0] == 3
    else:
        assert "later" in read_tables(case.url)
        after = promote(case.project, case.url)
        assert (after.exit_code, after.outcome) == (0, "nothing-to-do"), after.output
        if number == signal.SIGKILL:
            assert "an earlier restore" in after.output, after.output
    code, told = say(case.project, case.url, "backup", "verify", "--all")
    assert (code, told.count("good ")) == (0, 3), told

    # On MariaDB what was cut off needs no name.
    ran = restore(case.project, case.url, "--confirm", "dev", *(() if is_half else (chosen,)))
    assert (ran.exit_code, ran.outcome) == (0, "restored"), ran.output
    assert chosen in ran.output
    assert query(case.url, "SELECT count(*) FROM users") == [(21,)]
    assert not {"later", "ci_migrate_restoring"} & read_tables(case.url)
    after_all = {path.name for path in (case.project.path / ".ci-migrate/backups").iterdir()}
    assert {name for name in before if "run.json" not in name} <= after_all
    record_fault(
        fault=f"{number.name} in a restore", database=case.kind, outcome="restored again", lost=0
    )
